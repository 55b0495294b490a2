/** @file The model of a search: vectors of pictures, and of words where it reads them. */

import { basename } from "node:path";
import { createWorkerPool } from "../data/stream/workers.ts";
import { cpuBudget } from "../engines/threads.ts";
import { OcelliError } from "../errors.ts";
import { hashArrays } from "../served/arrays-hash.ts";
import { checkNumbers } from "../served/answering.ts";
import { disposeTree, readTree } from "../served/device-trees.ts";
import type { ServedModel } from "../served/model.ts";
import { type OpenModelOptions, serveTrained } from "../served/open.ts";
import { toUnitLength } from "../served/vectors.ts";
import type { TrainedModel } from "../served/outputs.ts";
import type { TaskChoice } from "../models/index.ts";
import { openTrained } from "../served/trained.ts";
import { type Rows, tokenizerOf } from "../tasks/index.ts";
import { type FeatureMaker, type FeatureOptions, featureBatches } from "../transfer/features.ts";
import type { DataProblems } from "../data/problems.ts";
import type { Source } from "../data/source.ts";
import type { Manifest } from "./folder.ts";

/** Vectors of some pictures. */
export interface VectorBatch {
  /** Which examples of the source they are of. */
  readonly indices: readonly number[];
  /** [indices, dim], each of length 1 */
  readonly vectors: Float32Array;
}

/** A model that makes vectors. It owns memory until it is disposed. */
export interface Embedder {
  readonly model: ServedModel;
  /** What an index keeps of it. */
  readonly identity: Manifest["model"];
  /** Vectors of a source's pictures, batch after batch; pictures that cannot be decoded are left out. */
  images(
    source: Source,
    options: Pick<FeatureOptions, "batchSize" | "onBadImage" | "progress"> & {
      readonly problems?: DataProblems;
    },
  ): AsyncGenerator<VectorBatch, void>;
  dispose(): Promise<void>;
}

/** What an index keeps of a model. */
export function identityOf(
  spec: string,
  { card, task, params, variables }: TrainedModel,
): Manifest["model"] {
  const { step: _, ...described } = card;
  const description = { ...described, task: withoutPlace(card.task) };
  const sha256 = hashArrays(description, { params, variables });
  return { spec, sha256, task: card.task.name, words: Object.hasOwn(task.heads, "text") };
}

/** A task whose tokenizer is known by its checksum, wherever its file lies. */
function withoutPlace(task: TaskChoice): TaskChoice {
  const tokenizer = tokenizerOf(task);
  if (tokenizer?.sha256 === undefined) return task;
  return { ...task, tokenizer: { ...tokenizer, file: basename(tokenizer.file) } };
}

/** The head of features. */
const EMBED = "embed";

/**
 * Opens a model for search; see `openModel` for what `spec` may be, an exported model excepted.
 *
 * @throws an argument error where it gives no features
 */
export async function openEmbedder(
  spec: string,
  { engine, ...options }: OpenModelOptions = {},
): Promise<Embedder> {
  if (/\.onnx$/i.test(spec)) {
    throw new OcelliError("argument", `${spec} is an exported model, which has one head alone.`, {
      hint: "Give the run that it was exported from.",
    });
  }
  const trained = await openTrained(spec, options);
  const { card } = trained;
  const model = await serveTrained(spec, trained, engine);
  const { heads } = model.task;
  if (!Object.hasOwn(heads, EMBED)) {
    await model.dispose();
    throw new OcelliError("argument", `${spec} gives no vectors of pictures.`, {
      ...{ given: card.task.name, valid: Object.keys(heads) },
      hint: "Give a run of the task contrastive, classification or features.",
    });
  }
  const program = model.compile((outputs) => ({ features: heads[EMBED](outputs) }));
  const maker: FeatureMaker = {
    preprocessing: model.preprocessing,
    async run(image) {
      const arrays = await program({ image });
      const rows = (await readTree(arrays)) as Rows;
      disposeTree(arrays);
      checkNumbers(spec, rows);
      return rows.features;
    },
  };
  const workers = createWorkerPool(cpuBudget().decode);
  return {
    model,
    identity: identityOf(spec, trained),
    async *images(source, reading) {
      for await (const { indices, features } of featureBatches(maker, source, {
        ...{ workers, ...reading },
      })) {
        const vectors = features.data as Float32Array;
        const [rows, dim] = features.shape;
        for (let row = 0; row < rows; row++) {
          toUnitLength(vectors.subarray(row * dim, (row + 1) * dim));
        }
        yield { indices, vectors };
      }
    },
    async dispose() {
      workers[Symbol.dispose]();
      await model.dispose();
    },
  };
}
