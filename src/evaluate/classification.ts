/** @file Classification: accuracy and mean loss; several labels of an image may be right. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  argMax,
  expandDims,
  mul,
  reduceMax,
  reduceSum,
  squeeze,
  takeAlongAxis,
} from "../graph/index.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Evaluator } from "./evaluator.ts";

/** Accuracy and loss in a configuration. */
export const classificationEvalSchema = z.strictObject({
  type: z.literal("classification").default("classification"),
});

/** A loss of each example: logits and labels [batch, classes] to [batch]. */
type PerExampleLoss = (logits: Tensor, labels: Tensor) => Tensor;

/**
 * The classification evaluator, on `batch.labels` [batch, classes]: an example is correct by the label's value at the
 * largest logit. Examples whose labels are all zero, and padding, do not count.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/classification.py`)
 */
export const classification = (loss: PerExampleLoss): Evaluator => ({
  measure({ output: logits, batch: { labels, mask } }) {
    const counted = mul(mask, reduceMax(labels, 1)); // [batch]
    const best = expandDims(argMax(logits, 1), 1); // [batch, 1]
    const correct = squeeze(takeAlongAxis(labels, best, 1), 1); // [batch]
    return {
      sums: {
        correct: reduceSum(mul(correct, counted)),
        loss: reduceSum(mul(loss(logits, labels), counted)),
        count: reduceSum(counted),
      },
    };
  },
  summarise({ sums: { correct, loss, count } }) {
    if (count === 0) throw new OcelliError("data", "none of the examples has a label.");
    return [
      ["accuracy", correct / count],
      ["loss", loss / count],
    ];
  },
});
