/** @file Pictures of requests, made ready for a model in worker threads; what may take long is decoded apart, one by one. */

import { isUnbounded } from "../data/decode/effort.ts";
import { type Prepared, type RawExample, prepareExample } from "../data/stream/examples.ts";
import { travels } from "../data/stream/travelling.ts";
import { WorkerCrash, createWorkerPool } from "../data/stream/workers.ts";
import { createGate } from "../data/time-limit.ts";
import { cpuBudget } from "../engines/threads.ts";
import { type ErrorCode, OcelliError } from "../errors.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import type { ServedModel } from "../served/model.ts";
import { Refusal, TooLate } from "./refusals.ts";

/** Makes pictures ready. It owns worker threads until it is disposed. */
export interface PicturePreparer extends Disposable {
  /**
   * A picture's file after the host's part of the preprocessing, [height, width, channels].
   *
   * @param isLate asked when the picture's turn has come: one that is too late is not decoded
   * @throws a refusal where it cannot be decoded, is too large, or is not what the model takes; a `WorkerCrash` where
   * the thread that was making it ready ended twice
   */
  prepare(file: Uint8Array, isLate: () => boolean): Promise<HostArray>;
  /** Starts all threads, so that no request waits for one. */
  warmUp(): Promise<void>;
}

/** Codes of errors that a picture is to blame for, decoded or in an operation. */
const OF_PICTURES: readonly ErrorCode[] = ["data", "argument", "shape"];

/** A preparer for a model, which refuses pictures of more than `maxPixels`. */
export function createPreparer(
  { preprocessing, card }: Pick<ServedModel, "preprocessing" | "card">,
  maxPixels: number,
): PicturePreparer {
  const workers = createWorkerPool(cpuBudget().decode);
  const oneByOne = createGate();
  const { text } = preprocessing;
  const inThreads = travels(text);
  const [height, width] = card.imageShape;

  async function prepared(file: Uint8Array, isLate: () => boolean): Promise<Prepared> {
    const read = (): RawExample => {
      if (isLate()) throw new TooLate();
      const image = hostArray([file.length], "uint8", file);
      return { features: { image }, key: ["prediction"], id: "the picture", maxPixels };
    };
    if (!inThreads || isUnbounded(file)) {
      return oneByOne(async () => prepareExample(read(), preprocessing));
    }
    return workers.prepare(text, read).catch((error: unknown) => {
      // another picture may be to blame: once more, in the thread that takes the place of the one that ended
      if (error instanceof WorkerCrash) return workers.prepare(text, read);
      throw error;
    });
  }
  return {
    async warmUp() {
      if (!inThreads) return;
      const { default: sharp } = await import("sharp");
      const black = { width: 8, height: 8, channels: 3, background: "black" } as const;
      const file = await sharp({ create: black }).jpeg().toBuffer();
      const image = hostArray([file.length], "uint8", new Uint8Array(file));
      const raw = { features: { image }, key: ["warm up"], id: "a black picture" };
      await Promise.all(
        Array.from({ length: workers.size }, () => workers.prepare("decode", () => raw)),
      );
    },
    async prepare(file, isLate) {
      const made = await prepared(file, isLate).catch((error: unknown) => {
        const isRefused =
          error instanceof OcelliError &&
          !(error instanceof WorkerCrash) &&
          OF_PICTURES.includes(error.code);
        throw isRefused ? new Refusal(422, error.message) : error;
      });
      if ("problem" in made) throw new Refusal(422, made.problem.message);
      const { image } = made.features;
      if (image.shape[0] === height && image.shape[1] === width) return image;
      const sizes = [image.shape, card.imageShape].map(([h, w]) => `${w} × ${h}`);
      throw new Refusal(422, `the picture has ${sizes[0]} pixels; the model takes ${sizes[1]}`);
    },
    [Symbol.dispose]: () => workers[Symbol.dispose](),
  };
}
