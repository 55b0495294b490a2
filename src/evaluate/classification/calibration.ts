/** @file Calibration: whether probabilities say how often they are right. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  argMax,
  convert,
  equal,
  oneHot,
  reduceMax,
  reduceSum,
  square,
  sub,
  toNumbers,
} from "../../graph/index.ts";
import { CLASS_LOSSES } from "../../losses/index.ts";
import { defineEvaluator } from "../define.ts";
import { classLabels } from "./labelled.ts";

const calibrationSchema = z.strictObject({
  /** Bins of equal width for the expected calibration error. Default: 15. */
  bins: z.int().min(1).optional(),
});

/** Bins where nothing else is said. */
const BINS = 15;

/**
 * The expected calibration error: the mean distance between the confidence and the accuracy of bins of equal width.
 *
 * @param confidence the largest probability of each example
 * @param correct 1 where its class is right, else 0
 * @see https://arxiv.org/abs/1706.04599 (section 2)
 */
export function calibrationError(
  confidence: readonly number[],
  correct: readonly number[],
  bins = BINS,
): number {
  const gap = new Float64Array(bins); // of each bin, the sum of confidence − correctness
  confidence.forEach((value, i) => {
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(value * bins) - 1)); // (low, high]
    gap[bin] += value - correct[i];
  });
  return gap.reduce((sum, value) => sum + Math.abs(value), 0) / confidence.length;
}

/**
 * `ece`, the expected calibration error of the largest probability (Guo et al. 2017), and `brier`, the mean squared
 * distance to the one-hot label (Brier 1950: 0 to 2). A configuration error where the model's classes do not exclude
 * one another.
 *
 * @see https://arxiv.org/abs/1706.04599
 */
export const calibration = defineEvaluator({
  name: "calibration",
  schema: calibrationSchema,
  create({ bins = BINS }, { task }) {
    if (task.loss === "sigmoid") {
      throw new OcelliError("config", "calibration is of probabilities that sum to one.", {
        hint: "Train with objective.loss softmax.",
      });
    }
    return {
      head: "logits",
      measure(evaluated) {
        const label = classLabels("calibration", evaluated);
        const probabilities = CLASS_LOSSES.softmax.probabilities(evaluated.output); // [batch, classes]
        const distance = square(sub(probabilities, oneHot(label, probabilities.shape[1])));
        return {
          rows: {
            confidence: reduceMax(probabilities, 1),
            correct: convert(equal(argMax(probabilities, 1), label), "float32"),
            distance: reduceSum(distance, 1),
          },
        };
      },
      summarise({ judged: { rows } }) {
        const [confidence, correct, distance] = [rows.confidence, rows.correct, rows.distance].map(
          (row) => toNumbers(row),
        );
        const { length } = confidence;
        if (length === 0) throw new OcelliError("data", "there are no predictions.");
        return [
          ["ece", calibrationError(confidence, correct, bins)],
          ["brier", distance.reduce((sum, value) => sum + value, 0) / length],
        ];
      },
    };
  },
});
