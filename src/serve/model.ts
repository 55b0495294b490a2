/** @file The model behind a server: pictures in, answers, features and explanations out, several at a time. */

import { createGate } from "../data/time-limit.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { type Explainer, type Explanation, openExplainer } from "../explain/explain.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import { collate } from "../preprocess/collate.ts";
import { seededRandom } from "../random.ts";
import { answerer, rowOf } from "../served/answering.ts";
import { disposeTree, readTree } from "../served/device-trees.ts";
import type { ServedModel } from "../served/model.ts";
import { identityOf } from "../search/embedder.ts";
import { type OpenModelOptions, openModel, serveTrained } from "../served/open.ts";
import { openTrained } from "../served/trained.ts";
import type { Answer, Ranked, Rows } from "../tasks/index.ts";
import { createBatcher } from "./batcher.ts";
import type { Limits } from "./limits.ts";
import { createPreparer } from "./pictures.ts";
import { Refusal } from "./refusals.ts";
import { openWords } from "./words.ts";

/** A model that answers requests. It owns memory until it is disposed. */
export interface RequestModel {
  readonly card: ModelCard;
  readonly engine: string;
  /** Whether `embed` and `explain` can be asked for; an exported model gives answers alone. */
  readonly offers: {
    readonly predict: boolean;
    readonly embed: boolean;
    readonly explain: boolean;
    /** Labels in words for pictures, of a model of images and texts. */
    readonly classify: boolean;
    /** Pictures of an index. */
    readonly search: boolean;
  };
  /** Pictures that wait. */
  readonly waiting: number;
  /** The answer for a picture's file; `isLate` says whether nobody waits for it any more. */
  predict(file: Uint8Array, isLate: () => boolean): Promise<Answer>;
  /** Features, float32 [features]. */
  embed(file: Uint8Array, isLate: () => boolean): Promise<HostArray>;
  /** An answer with a map over the picture; `wanted` names a class. */
  explain(file: Uint8Array, isLate: () => boolean, wanted?: string): Promise<Explanation>;
  /** Labels for a picture, the surest first. */
  classify(
    file: Uint8Array,
    isLate: () => boolean,
    labels: readonly string[],
    templates: readonly string[],
  ): Promise<readonly Ranked[]>;
  /** The pictures of the index nearest to words, to a picture, or to both. */
  search(
    query: { readonly text: string | undefined; readonly file: Uint8Array | undefined },
    isLate: () => boolean,
    top: number,
  ): Promise<readonly object[]>;
  /** Starts threads and computes every size of batch once, so that no request waits for a program to be compiled. */
  warmUp(): Promise<void>;
  dispose(): Promise<void>;
}

/** The head of features. */
const EMBED = "embed";

/** Opens a model to answer requests; see `openModel` for what `spec` may be. */
export async function openRequestModel(
  spec: string,
  limits: Limits,
  { index, ...options }: OpenModelOptions & { readonly index?: string },
  onBatch: (size: number) => void,
): Promise<RequestModel> {
  const gate = createGate(); // the engine computes one batch at a time
  const { model, words } = await openAll(spec, options, gate, index);
  const { card, task, preprocessing } = model;
  const batching = { largest: limits.batch, queue: limits.queue, patience: limits.time };
  const answer = answerer(model, spec);
  const answers = (images: readonly HostArray[]) => gate(async () => answer(stacked(images)));
  const predicting = createBatcher(answers, { ...batching, onBatch });
  const features = Object.hasOwn(task.heads, EMBED) ? embedder(model, gate) : undefined;
  const embedding = features && createBatcher(features, { ...batching, onBatch });
  const isExported = /\.onnx$/i.test(spec);
  const offers = {
    predict: !(isExported && task.main === EMBED && card.task.name !== "features"),
    embed: features !== undefined,
    explain: !isExported && card.task.name === "classification",
    classify: words.classify !== undefined,
    search: words.search !== undefined,
  };
  const embedOne = async (file: Uint8Array, isLate: () => boolean): Promise<HostArray> => {
    if (!embedding) throw unavailable("features", "Serve the run that it was exported from.");
    return embedding.run(await preparer.prepare(file, isLate));
  };
  const preparer = createPreparer(model, limits.pixels);
  let explainer: Promise<Explainer> | undefined;
  const explaining = createBatcher(
    async ([{ image, wanted }]: readonly { image: HostArray; wanted: string | undefined }[]) => {
      explainer ??= openedExplainer(spec, options);
      const opened = await explainer.catch((error: unknown) => {
        explainer = undefined;
        throw error;
      });
      return [await gate(() => opened.explainPrepared(image, wanted))];
    },
    { ...batching, largest: 1 },
  );
  return {
    card,
    engine: model.engine.description,
    offers,
    get waiting() {
      return predicting.waiting + (embedding?.waiting ?? 0) + explaining.waiting;
    },
    async predict(file, isLate) {
      if (!offers.predict) throw unavailable("answers", "Ask it for features: POST /embed.");
      return predicting.run(await preparer.prepare(file, isLate));
    },
    embed: embedOne,
    async classify(file, isLate, labels, templates) {
      if (!words.classify) throw unavailable("labels in words", "Serve a run of images and texts.");
      return words.classify(await embedOne(file, isLate), { labels, templates }, isLate);
    },
    async search({ text, file }, isLate, top) {
      if (!words.search) throw unavailable("pictures", "Serve it with --index INDEX.");
      const features = file && (await embedOne(file, isLate));
      return words.search({ text, features }, top, isLate);
    },
    async explain(file, isLate, wanted) {
      if (!offers.explain) throw unavailable("explanations", "Serve the run of a classifier.");
      const labels = card.names.label;
      if (wanted !== undefined && !labels.includes(wanted)) {
        throw new Refusal(400, unknownName("class", wanted, labels).message);
      }
      return explaining.run({ image: await preparer.prepare(file, isLate), wanted });
    },
    async warmUp() {
      await preparer.warmUp();
      const size = [...card.imageShape.slice(0, 2), 3];
      const pixels = new Uint8Array(size.reduce((a, b) => a * b)).fill(128);
      const image = { image: hostArray(size, "uint8", pixels) };
      const prepared = preprocessing.onHost(image, seededRandom("prediction")).image;
      const compute = offers.predict ? answers : features;
      const most = Math.min(limits.batch, limits.queue); // no more are open at the same time
      for (let count = 1; count < 2 * most; count *= 2) {
        await compute?.(Array.from({ length: count }, () => prepared));
      }
    },
    async dispose() {
      preparer[Symbol.dispose]();
      await (await explainer?.catch(() => undefined))?.dispose();
      words.dispose();
      await model.dispose();
    },
  };
}

/** A model, and what it does with words; of one with an index the arrays are compared with those that made it. */
async function openAll(
  spec: string,
  { engine, ...options }: OpenModelOptions,
  gate: ReturnType<typeof createGate>,
  index: string | undefined,
) {
  const trained = index === undefined ? undefined : await openTrained(spec, options);
  const model = trained
    ? await serveTrained(spec, trained, engine)
    : await openModel(spec, { engine, ...options });
  try {
    const made =
      index !== undefined && trained
        ? { path: index, identity: identityOf(spec, trained) }
        : undefined;
    return { model, words: await openWords(model, spec, gate, made) };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** An explainer; a refusal where the model's layers give no maps, and what else fails as a fault of the server. */
const openedExplainer = (spec: string, options: OpenModelOptions): Promise<Explainer> =>
  openExplainer(spec, options).catch((cause: unknown) => {
    const isOfModel = cause instanceof OcelliError && cause.code === "argument";
    if (isOfModel) throw unavailable("explanations", "Its layers have no maps.");
    throw cause;
  });

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
