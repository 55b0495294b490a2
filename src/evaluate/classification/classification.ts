/** @file Classification: accuracy and mean loss; several labels of an image may be right. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  argMax,
  expandDims,
  mul,
  reduceMax,
  reduceSum,
  softmax,
  squeeze,
  takeAlongAxis,
  toNumbers,
} from "../../graph/index.ts";
import { CLASS_LOSSES, hotLabels } from "../../losses/index.ts";
import { calibrationError } from "./calibration.ts";
import { defineEvaluator } from "../define.ts";

/**
 * Accuracy and mean loss, on labels [batch, classes]: an example is correct by the label's value at the largest logit.
 * Where each has one class and classes exclude one another, `ece` says how far confidence is from accuracy.
 * Examples whose labels are all zero, and padding, do not count.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/classification.py`)
 */
export const classification = defineEvaluator({
  name: "classification",
  schema: z.strictObject({}),
  create(_, { task }) {
    const isExclusive = task.loss !== "sigmoid";
    const { xent } = CLASS_LOSSES[isExclusive ? "softmax" : "sigmoid"];
    return {
      head: "logits",
      measure({ output: logits, batch: { label, mask } }) {
        const labels = hotLabels(label, logits); // [batch, classes]
        const counted = mul(mask, reduceMax(labels, 1)); // [batch]
        const best = expandDims(argMax(logits, 1), 1); // [batch, 1]
        const correct = squeeze(takeAlongAxis(labels, best, 1), 1); // [batch]
        return {
          sums: {
            correct: reduceSum(mul(correct, counted)),
            loss: reduceSum(mul(xent(logits, labels), counted)),
            count: reduceSum(counted),
          },
          ...(isExclusive &&
            label.rank === 1 && {
              rows: { confidence: reduceMax(softmax(logits, 1), 1), correct }, // [batch]
            }),
        };
      },
      summarise({ judged }) {
        const { correct, loss, count } = judged.sums;
        if (count === 0) throw new OcelliError("data", "none of the examples has a label.");
        const { confidence, correct: right } = judged.rows;
        const ece = confidence && calibrationError(toNumbers(confidence), toNumbers(right));
        return [
          ["accuracy", correct / count],
          ["loss", loss / count],
          ...(ece === undefined ? [] : [["ece", ece] satisfies [string, number]]),
        ];
      },
    };
  },
});
