/** @file Answers to batches: what a model makes of prepared images, row by row. */

import { OcelliError } from "../errors.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import type { GenerationOptions } from "../models/index.ts";
import { collate } from "../preprocess/collate.ts";
import { seededRandom } from "../random.ts";
import type { Answer, Rows } from "../tasks/index.ts";
import { disposeTree, readTree } from "./device-trees.ts";
import type { ServedModel } from "./model.ts";

/** Answers to prepared images [batch, height, width, channels], one for each. */
export type Answerer = (image: HostArray) => Promise<Answer[]>;

/**
 * A model as a function from prepared images to answers; `spec` names it in errors, `generation` says how its texts are
 * written.
 *
 * @throws a configuration error where texts are asked of a model that writes none
 */
export function answerer(
  model: ServedModel,
  spec: string,
  generation?: GenerationOptions,
): Answerer {
  const { task, tokenizer, card } = model;
  if (generation && !task.write) {
    throw new OcelliError(
      "config",
      `${spec} writes no texts: it is a model of ${card.task.name}.`,
      {
        given: spec,
        hint: "Take a run of the task captioning, or ask this model with ocelli predict.",
      },
    );
  }
  const respond = model.compile((outputs) =>
    task.respond((generation && outputs.write?.(generation)) ?? task.heads[task.main](outputs)),
  );
  return async (image) => {
    const arrays = await respond({ image });
    const rows = (await readTree(arrays)) as Rows;
    disposeTree(arrays);
    checkNumbers(spec, rows);
    return Array.from({ length: image.shape[0] }, (_, row) =>
      task.answer(rowOf(rows, row), tokenizer),
    );
  };
}

/** Images of any size, uint8 [height, width, channels], through the host's part of a model's preprocessing, as one batch. */
export function prepareImages(
  { preprocessing }: Pick<ServedModel, "preprocessing">,
  images: readonly HostArray[],
  batchSize: number = images.length,
): HostArray {
  const examples = images.map((image) =>
    preprocessing.onHost({ image }, seededRandom("prediction")),
  );
  return collate(examples, batchSize).image;
}

/** An error where an answer would be made of NaN; `of` is what the answer is to. */
export function checkNumbers(spec: string, rows: Rows, of = "an image"): void {
  for (const { data } of Object.values(rows)) {
    if (!(data as Float32Array).some(Number.isNaN)) continue;
    throw new OcelliError("diverged", `${spec} gives NaN for ${of}.`, {
      hint: "Its weights are too large for its dtype, or damaged; take another checkpoint.",
    });
  }
}

/** One row of arrays [batch, …], without the batch axis. */
export const rowOf = (rows: Rows, row: number): Rows =>
  Object.fromEntries(
    Object.entries(rows).map(
      ([
        name,
        {
          shape: [batch, ...shape],
          dtype,
          data,
        },
      ]) => {
        const size = data.length / batch;
        const part = (data as Float32Array).subarray(row * size, (row + 1) * size);
        return [name, hostArray(shape, dtype, part)];
      },
    ),
  );
