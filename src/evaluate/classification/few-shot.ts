/**
 * @file Few-shot linear probes: ridge regression from features of a few examples of each class.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/fewshot_lsr.py`)
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { defineEvaluator } from "../define.ts";
import type { NamedValues, Stream } from "../evaluator.ts";
import {
  type LabelledFeatures,
  type LabelledRows,
  accuracyOf,
  countClasses,
  featureRows,
  labelledOf,
  labelledRows,
} from "./labelled.ts";
import {
  type Matrix,
  argMaxOf,
  rowOf,
  solvePositive,
  takeRows,
  times,
  timesTransposed,
  transpose,
  zerosMatrix,
} from "../matrix.ts";
import { numpyRandom } from "../numpy-random.ts";
import { streamSchema } from "../streams.ts";

/** The constant feature: so large that the bias is hardly regularised. */
const BIAS = 100;

/** A ridge regression onto −1 and +1 by class. */
export interface RidgeProbe {
  /** [dim] */
  readonly mean: Float64Array;
  /** The deviation, with 1e-5 added: [dim]. */
  readonly std: Float64Array;
  /** [dim + 1, classes]; the last row belongs to the constant feature. */
  readonly weights: Matrix;
}

/** Fits a probe: features whitened by their own mean and deviation, solved on the smaller of XᵀX and XXᵀ. */
export function fitRidge({ x, classes }: LabelledRows, numClasses: number, l2: number): RidgeProbe {
  const { mean, std } = momentsOf(x);
  const design = whiten(x, mean, std); // [n, dim + 1]
  const targets = zerosMatrix(x.rows, numClasses);
  targets.data.fill(-1);
  classes.forEach((label, i) => (targets.data[i * numClasses + label] = 1));
  const across = transpose(design);
  const weights =
    design.rows >= design.columns
      ? solvePositive(ridge(timesTransposed(across, across), l2), times(across, targets))
      : times(across, solvePositive(ridge(timesTransposed(design, design), l2), targets));
  return { mean, std, weights };
}

/** The scores of a probe: [examples, classes]. */
export const scoreRidge = ({ mean, std, weights }: RidgeProbe, x: Matrix): Matrix =>
  times(whiten(x, mean, std), weights);

function momentsOf({ rows, columns, data }: Matrix) {
  const mean = new Float64Array(columns);
  const std = new Float64Array(columns);
  data.forEach((value, i) => (mean[i % columns] += value / rows));
  data.forEach((value, i) => (std[i % columns] += (value - mean[i % columns]) ** 2 / rows));
  return { mean, std: std.map((variance) => Math.sqrt(variance) + 1e-5) };
}

function whiten(x: Matrix, mean: Float64Array, std: Float64Array): Matrix {
  const out = zerosMatrix(x.rows, x.columns + 1);
  for (let i = 0; i < x.rows; i++) {
    const row = rowOf(out, i);
    rowOf(x, i).forEach((value, j) => (row[j] = (value - mean[j]) / std[j]));
    row[x.columns] = BIAS;
  }
  return out;
}

function ridge(matrix: Matrix, l2: number): Matrix {
  for (let i = 0; i < matrix.rows; i++) matrix.data[i * matrix.columns + i] += l2;
  return matrix;
}

/**
 * The examples that a seed picks: the first `shots` of a permutation of each class, class after class. The permutations
 * are NumPy's, so that the same examples are picked as by big_vision.
 */
export function pickShots(
  classes: readonly number[],
  numClasses: number,
  shots: number,
  seed: number,
): number[] {
  const random = numpyRandom(seed);
  return Array.from({ length: numClasses }, (_, label) => {
    const members = classes.flatMap((it, i) => (it === label ? [i] : []));
    return random.permutation(members).slice(0, shots);
  }).flat();
}

const fewShotSchema = z.strictObject({
  /** The examples that are learned from. Default: the split of the training. */
  from: streamSchema.optional(),
  /** The layer whose values are the features. Default: the task's `embed` head. */
  layer: z.string().optional(),
  /** Examples of each class. Default: 1, 5, 10 and 25. */
  shots: z.array(z.int().min(1)).min(1).readonly().optional(),
  /** The ridge. Default: 1024. */
  l2: z.number().positive().optional(),
  /** Reported apart. Default: 0, 1 and 2. */
  seeds: z.array(z.int().min(0)).min(1).readonly().optional(),
});

type FewShotConfig = z.output<typeof fewShotSchema>;

/** The accuracies of {@link fewShot} on the model's features, which are computed of picked examples alone. */
export const fewShotOnFeatures = defineEvaluator({
  name: "fewshot",
  schema: fewShotSchema,
  create({ layer, shots = SHOTS, seeds = SEEDS, l2 }, model) {
    const numClasses = countClasses("fewshot", model);
    return {
      head: "embed",
      streams: {
        from: {
          pick(classes) {
            const most = Math.max(...shots);
            const picked = seeds.flatMap((seed) => pickShots(classes, numClasses, most, seed));
            return [...new Set(picked)].sort((a, b) => a - b);
          },
        },
      },
      measure: (evaluated) => ({ rows: featureRows("fewshot", evaluated, layer) }),
      summarise: ({ judged, from }) =>
        fewShot({ ...labelledOf(from), of: from }, labelledOf(judged), {
          numClasses,
          shots,
          seeds,
          l2,
        }),
    };
  },
});

const SHOTS: readonly number[] = [1, 5, 10, 25];
const SEEDS: readonly number[] = [0, 1, 2];

/** Options of {@link fewShot}. */
export interface FewShotOptions extends Pick<FewShotConfig, "shots" | "l2" | "seeds"> {
  readonly numClasses: number;
}

/** What {@link fewShot} learns from. */
export interface FewShotTrain extends LabelledFeatures {
  /** Where only some examples have features: which example each row is, and the class of every example. */
  readonly of?: Pick<Stream, "indices" | "labels">;
}

/** The test accuracy of a ridge probe by shots and seed: `5shot-seed-0` and so on. */
export function fewShot(
  train: FewShotTrain,
  test: LabelledFeatures,
  { numClasses, shots = SHOTS, l2 = 2 ** 10, seeds = SEEDS }: FewShotOptions,
): NamedValues {
  const known = labelledRows(train, numClasses);
  const { labels: all, indices } = train.of ?? {
    labels: known.classes,
    indices: [...known.classes.keys()],
  };
  const rowsOf = new Map(indices.map((index, row) => [index, row]));
  const { x, classes } = labelledRows(test, numClasses);
  if (x.rows === 0) throw new OcelliError("data", "there are no test features.");
  return seeds.flatMap((seed) =>
    shots.map((count): [string, number] => {
      // an image that could not be read has no row
      const picked = pickShots(all, numClasses, count, seed).flatMap((i) => rowsOf.get(i) ?? []);
      const few = { x: takeRows(known.x, picked), classes: picked.map((i) => known.classes[i]) };
      const scores = scoreRidge(fitRidge(few, numClasses, l2), x);
      return [`${count}shot-seed-${seed}`, accuracyOf(predictionsOf(scores), classes)];
    }),
  );
}

/** The class of the largest score, row by row. */
export const predictionsOf = (scores: Matrix): number[] =>
  Array.from({ length: scores.rows }, (_, i) => argMaxOf(rowOf(scores, i)));
