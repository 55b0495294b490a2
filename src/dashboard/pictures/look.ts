/** @file What a run's model makes of some pictures of a split: its answers, and a map of its features. */

import { selectSource } from "../../data/source.ts";
import { evaluationBatches } from "../../data/stream/batches.ts";
import { createWorkerPool } from "../../data/stream/workers.ts";
import { cpuBudget } from "../../engines/threads.ts";
import { OcelliError } from "../../errors.ts";
import { type Matrix, zerosMatrix } from "../../evaluate/matrix.ts";
import { nearestRows, principalComponents } from "../../evaluate/principal.ts";
import { toNumbers } from "../../graph/index.ts";
import { rowOf } from "../../served/answering.ts";
import { disposeTree, readTree } from "../../served/device-trees.ts";
import { openModel } from "../../served/open.ts";
import type { Rows } from "../../tasks/index.ts";
import type { OpenSplit } from "./run-data.ts";

/** Pictures of a look, at most. */
const PICTURES = 600;
const BATCH = 32;
/** Neighbours of a picture. */
const NEAR = 8;

/** A picture that was looked at. */
export interface LookedAt {
  /** Its place in the split. */
  readonly index: number;
  readonly id: string;
  /** By number; absent where it is not known. */
  readonly label?: number;
  /** The answer, where it is a name. */
  readonly predicted?: string;
  readonly probability?: number;
  /** The first two principal components of its features. */
  readonly x: number;
  readonly y: number;
  /** The places in this list of the pictures with the most similar features, the nearest first. */
  readonly near: readonly number[];
}

/** What {@link lookAt} found. */
export interface Look {
  /** Pictures of the split. */
  readonly total: number;
  readonly pictures: readonly LookedAt[];
  /** Pictures that cannot be read. */
  readonly unreadable: number;
  /** The parts of the variance of the features that x and y have. */
  readonly shares: readonly number[];
  readonly names: readonly string[];
}

/** The place in the split of each of at most `most` pictures, evenly over it. */
const evenly = (length: number, most: number): Uint32Array =>
  Uint32Array.from({ length: Math.min(length, most) }, (_, i) =>
    Math.floor((i * length) / Math.min(length, most)),
  );

/**
 * Looks at pictures of a split, evenly over it, with a run's model.
 *
 * @throws an argument error where the model has no features
 */
export async function lookAt(folder: string, split: OpenSplit, most = PICTURES): Promise<Look> {
  const { source, names, labels } = split;
  const chosen = evenly(source.length, most);
  const model = await openModel(folder);
  const workers = createWorkerPool(cpuBudget().decode);
  try {
    const { heads, main, respond, answer } = model.task;
    if (!Object.hasOwn(heads, "embed")) {
      throw new OcelliError("argument", "the run's model has no features to be mapped.");
    }
    const run = model.compile((outputs) => ({
      features: heads.embed(outputs),
      answer: respond(heads[main](outputs)),
    }));
    const batching = { batchSize: BATCH, preprocessing: model.preprocessing, seed: 0, workers };
    const seen: (Pick<LookedAt, "index" | "predicted" | "probability"> & { features: number[] })[] =
      [];
    const selected = selectSource(source, chosen);
    for await (const batch of evaluationBatches(selected, { ...batching, onBadImage: "skip" })) {
      const arrays = await run({ image: batch.features.image });
      const read = (await readTree(arrays)) as { features: Rows[string]; answer: Rows };
      disposeTree(arrays);
      for (const [row, place] of batch.indices.entries()) {
        if (place < 0) continue;
        const features = toNumbers(rowOf({ features: read.features }, row).features);
        const told = answer(rowOf(read.answer, row));
        const [best] = told.kind === "ranked" ? told.ranked : [];
        seen.push({
          index: chosen[place],
          predicted: best?.name,
          probability: best?.score,
          features,
        });
      }
    }
    const rows = stacked(seen.map(({ features }) => features));
    const { points, shares } = principalComponents(rows, 2);
    const near = nearestRows(rows, NEAR);
    return {
      total: source.length,
      names,
      shares,
      unreadable: chosen.length - seen.length,
      pictures: seen.map(({ features: _, index, ...answered }, i) => ({
        ...{ index, id: source.id(index), label: labels?.[index] },
        ...answered,
        ...{ x: points.data[2 * i], y: points.data[2 * i + 1], near: near[i] },
      })),
    };
  } finally {
    workers[Symbol.dispose]();
    await model.dispose();
  }
}

function stacked(rows: readonly (readonly number[])[]): Matrix {
  const out = zerosMatrix(rows.length, rows[0]?.length ?? 0);
  rows.forEach((row, i) => out.data.set(row, i * out.columns));
  if (out.data.every(Number.isFinite)) return out;
  throw new OcelliError("diverged", "the model's features are not finite.");
}
