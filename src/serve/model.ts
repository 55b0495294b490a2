/** @file The model behind a server: pictures in, answers, features and explanations out, several at a time. */

import { decodeImage } from "../data/decode/decode.ts";
import { createGate } from "../data/time-limit.ts";
import { type Explainer, type Explanation, openExplainer } from "../explain/explain.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import { collate } from "../preprocess/collate.ts";
import { seededRandom } from "../random.ts";
import { answerer, rowOf } from "../served/answering.ts";
import { disposeTree, readTree } from "../served/device-trees.ts";
import type { ServedModel } from "../served/model.ts";
import { type OpenModelOptions, openModel } from "../served/open.ts";
import type { Answer, Rows } from "../tasks/index.ts";
import { createBatcher } from "./batcher.ts";
import type { Limits } from "./limits.ts";
import { Refusal } from "./refusals.ts";

/** A model that answers requests. It owns memory until it is disposed. */
export interface RequestModel {
  readonly card: ModelCard;
  readonly engine: string;
  /** Whether `embed` and `explain` can be asked for; an exported model gives answers alone. */
  readonly offers: {
    readonly predict: boolean;
    readonly embed: boolean;
    readonly explain: boolean;
  };
  /** Pictures that wait. */
  readonly waiting: number;
  predict(file: Uint8Array): Promise<Answer>;
  /** Features, float32 [features]. */
  embed(file: Uint8Array): Promise<HostArray>;
  /** An answer with a map over the picture; `wanted` names a class. */
  explain(file: Uint8Array, wanted: string | undefined): Promise<Explanation>;
  dispose(): Promise<void>;
}

/** The head of features. */
const EMBED = "embed";

/** Opens a model to answer requests; see `openModel` for what `spec` may be. */
export async function openRequestModel(
  spec: string,
  limits: Limits,
  options: OpenModelOptions,
  onBatch: (size: number) => void,
): Promise<RequestModel> {
  const model = await openModel(spec, options);
  const { card, task, preprocessing } = model;
  const gate = createGate(); // the engine computes one batch at a time
  const batching = { largest: limits.batch, queue: limits.queue, patience: limits.time, onBatch };
  const answer = answerer(model, spec);
  const predicting = createBatcher(
    (images: readonly HostArray[]) => gate(async () => answer(stacked(images))),
    batching,
  );
  const embedding = Object.hasOwn(task.heads, EMBED)
    ? createBatcher(embedder(model, gate), batching)
    : undefined;
  const isExported = /\.onnx$/i.test(spec);
  const explains = !isExported && card.task.name === "classification";
  let explainer: Promise<Explainer> | undefined;

  const decoded = (file: Uint8Array): Promise<HostArray> =>
    decodeImage(file, {
      name: "the picture",
      maxPixels: limits.pixels,
      alpha: preprocessing.alpha,
    });
  /** A picture after the host's part of the preprocessing. */
  const prepared = async (file: Uint8Array): Promise<HostArray> => {
    const image = await decoded(file);
    return preprocessing.onHost({ image }, seededRandom("prediction")).image;
  };
  return {
    card,
    engine: model.engine.description,
    offers: {
      predict: !(isExported && task.main === EMBED && card.task.name !== "features"),
      embed: embedding !== undefined,
      explain: explains,
    },
    get waiting() {
      return predicting.waiting + (embedding?.waiting ?? 0);
    },
    predict: async (file) => predicting.run(await prepared(file)),
    async embed(file) {
      if (!embedding) throw unavailable("features", "Serve the run that it was exported from.");
      return embedding.run(await prepared(file));
    },
    async explain(file, wanted) {
      if (!explains) throw unavailable("explanations", "Serve the run of a classifier.");
      const image = await decoded(file);
      explainer ??= openExplainer(spec, options);
      const opened = await explainer.catch((error: unknown) => {
        explainer = undefined;
        throw error;
      });
      return gate(() => opened.explain(image, wanted));
    },
    async dispose() {
      await (await explainer)?.dispose();
      await model.dispose();
    },
  };
}

const unavailable = (what: string, hint: string): Refusal =>
  new Refusal(501, `this model gives no ${what}. ${hint}`);

/** Features of batches. */
function embedder(model: ServedModel, gate: ReturnType<typeof createGate>) {
  const run = model.compile((outputs) => ({ features: model.task.heads[EMBED](outputs) }));
  return (images: readonly HostArray[]): Promise<HostArray[]> =>
    gate(async () => {
      const arrays = await run({ image: stacked(images) });
      const rows = (await readTree(arrays)) as Rows;
      disposeTree(arrays);
      return images.map((_, row) => {
        const { shape, dtype, data } = rowOf(rows, row).features;
        return hostArray(shape, dtype, data.slice()); // the batch is given up
      });
    });
}

/** Prepared images as one batch, filled up to a power of two, so that few programs are compiled. */
function stacked(images: readonly HostArray[]): HostArray {
  let size = 1;
  while (size < images.length) size *= 2;
  const examples = images.map((image) => ({ image }));
  return collate(examples, size).image;
}

/** Computes every size of batch once, so that no request waits for a program to be compiled. */
export async function warmUp(
  model: RequestModel,
  file: Uint8Array,
  largest: number,
): Promise<void> {
  for (let size = 1; size <= largest; size *= 2) {
    await Promise.all(Array.from({ length: size }, () => model.predict(file)));
  }
}
