/** @file k-nearest-neighbour classification by cosine similarity. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { defineEvaluator } from "../define.ts";
import type { NamedValues } from "../evaluator.ts";
import {
  type LabelledFeatures,
  accuracyOf,
  countClasses,
  featureRows,
  labelledOf,
  labelledRows,
} from "./labelled.ts";
import { type Matrix, argMaxOf, dot, rowOf } from "../matrix.ts";
import { streamSchema } from "../streams.ts";

const knnSchema = z.strictObject({
  /** The examples among which neighbours are looked for. Default: the split of the training. */
  from: streamSchema.optional(),
  /** The layer whose values are the features. Default: the task's `embed` head. */
  layer: z.string().optional(),
  /** How many neighbours vote. Default: 20. */
  k: z.int().min(1).optional(),
  /** Votes weigh exp(similarity / temperature). Default: 0.07. */
  temperature: z.number().positive().optional(),
});

/** The accuracy of {@link knn} on the model's features. */
export const knnOnFeatures = defineEvaluator({
  name: "knn",
  schema: knnSchema,
  create({ layer, k, temperature }, model) {
    const numClasses = countClasses("knn", model);
    return {
      head: "embed",
      streams: { from: {} },
      measure: (evaluated) => ({ rows: featureRows("knn", evaluated, layer) }),
      summarise: ({ judged, from }) =>
        knn(labelledOf(from), labelledOf(judged), { numClasses, k, temperature }),
    };
  },
});

/** Options of {@link knn}. */
export interface KnnOptions {
  readonly numClasses: number;
  /** How many neighbours vote. Default: 20. The accuracy of the single nearest is given too. */
  readonly k?: number;
  /** Votes weigh exp(similarity / temperature). Default: 0.07. */
  readonly temperature?: number;
}

/**
 * Test accuracy by the nearest training examples: `knn20` weighted, and `knn1`.
 *
 * @see https://arxiv.org/abs/1805.01978 (Wu et al. 2018)
 */
export function knn(
  train: LabelledFeatures,
  test: LabelledFeatures,
  { numClasses, k = 20, temperature = 0.07 }: KnnOptions,
): NamedValues {
  const known = labelledRows(train, numClasses);
  const asked = labelledRows(test, numClasses);
  if (known.x.rows === 0 || asked.x.rows === 0) {
    throw new OcelliError("data", "kNN needs training and test features.");
  }
  normaliseRows(known.x);
  normaliseRows(asked.x);
  const weighted: number[] = [];
  const nearest: number[] = [];
  const similarity = new Float64Array(known.x.rows);
  for (let i = 0; i < asked.x.rows; i++) {
    const query = rowOf(asked.x, i);
    for (let j = 0; j < similarity.length; j++) similarity[j] = dot(query, rowOf(known.x, j));
    const neighbours = largest(similarity, Math.min(k, similarity.length));
    const votes = new Float64Array(numClasses);
    for (const j of neighbours) votes[known.classes[j]] += Math.exp(similarity[j] / temperature);
    weighted.push(argMaxOf(votes));
    nearest.push(known.classes[neighbours[0]]);
  }
  return [
    [`knn${k}`, accuracyOf(weighted, asked.classes)],
    ["knn1", accuracyOf(nearest, asked.classes)],
  ];
}

/** Scales the rows to length 1; a zero row stays. */
function normaliseRows(matrix: Matrix): void {
  for (let i = 0; i < matrix.rows; i++) {
    const row = rowOf(matrix, i);
    const norm = Math.sqrt(dot(row, row));
    if (norm > 0) for (let j = 0; j < row.length; j++) row[j] /= norm;
  }
}

/** The indices of the `k` largest values, the largest first, the earlier of equals first. */
export function largest(values: ArrayLike<number>, k: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === k && !(values[i] > values[best[k - 1]])) continue;
    let [at, end] = [0, best.length];
    while (at < end) {
      const middle = (at + end) >> 1;
      if (values[i] > values[best[middle]]) end = middle;
      else at = middle + 1;
    }
    best.splice(at, 0, i);
    if (best.length > k) best.pop();
  }
  return best;
}
