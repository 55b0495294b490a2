/** @file Calibration: whether probabilities say how often they are right. */

import { OcelliError } from "../errors.ts";
import { type LabelledFeatures, type NamedValues, labelledRows } from "./features.ts";
import { argMaxOf, rowOf } from "./matrix.ts";

/** Options of {@link calibration}. */
export interface CalibrationOptions {
  /** Bins of equal width for the expected calibration error; 15 unless given. */
  readonly bins?: number;
}

/**
 * `ece`, the expected calibration error of the largest probability (Guo et al. 2017), and `brier`, the mean squared
 * distance to the one-hot label (Brier 1950: 0 to 2). The `features` are probabilities of [examples, classes].
 *
 * @see https://arxiv.org/abs/1706.04599
 */
export function calibration(
  { features: probabilities, labels }: LabelledFeatures,
  { bins = 15 }: CalibrationOptions = {},
): NamedValues {
  const { x, classes } = labelledRows({ features: probabilities, labels }, probabilities.shape[1]);
  if (x.rows === 0) throw new OcelliError("data", "there are no predictions.");
  const gap = new Float64Array(bins); // of each bin, the sum of confidence − correctness
  let brier = 0;
  for (let i = 0; i < x.rows; i++) {
    const row = rowOf(x, i);
    const best = argMaxOf(row);
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(row[best] * bins) - 1)); // (low, high]
    gap[bin] += row[best] - (best === classes[i] ? 1 : 0);
    row.forEach((p, label) => (brier += (p - (label === classes[i] ? 1 : 0)) ** 2));
  }
  return [
    ["ece", gap.reduce((sum, value) => sum + Math.abs(value), 0) / x.rows],
    ["brier", brier / x.rows],
  ];
}
