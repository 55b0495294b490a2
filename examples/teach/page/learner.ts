/** @file The worker as an object of promises. */

import type { Answers, Reply, Request } from "./protocol.ts";

type Of<K extends Request["kind"]> = Omit<Extract<Request, { kind: K }>, "kind">;

/** What computes, beside the page. */
export class Learner {
  readonly #worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, PromiseWithResolvers<never>>();
  #next = 0;

  /** @param onProgress hears how much of the model has come, from 0 to 1 */
  constructor(onProgress: (part: number) => void) {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
      if ("progress" in data) return onProgress(data.progress);
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.answer as never);
    });
    this.#worker.addEventListener("error", ({ message }) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(message || "the worker cannot start."));
      this.#waiting.clear();
    });
  }

  /** Asks the worker; pictures are handed over, not copied. */
  ask<K extends Request["kind"]>(kind: K, what: Of<K>): Promise<Answers[K]> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<never>();
    this.#waiting.set(id, waiting);
    const transfer = "bitmap" in what ? [what.bitmap as ImageBitmap] : [];
    this.#worker.postMessage({ id, kind, ...what }, transfer);
    return waiting.promise;
  }
}
