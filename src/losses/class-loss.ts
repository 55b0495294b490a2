/** @file Scores of classes: how they become a loss and probabilities. */

import { type Tensor, logistic, softmax } from "../graph/index.ts";
import { sigmoidXent } from "./sigmoid.ts";
import { softmaxXent } from "./softmax.ts";

/** What logits [batch, classes] mean. */
interface ClassLoss {
  /** The loss of each example, [batch], from logits and labels [batch, classes]. */
  readonly xent: (logits: Tensor, labels: Tensor) => Tensor;
  /** Logits as probabilities [batch, classes]. */
  readonly probabilities: (logits: Tensor) => Tensor;
}

/** By whether classes exclude one another: then their probabilities sum to one; else each stands for itself. */
export const CLASS_LOSSES: Readonly<Record<"softmax" | "sigmoid", ClassLoss>> = {
  softmax: { xent: (logits, labels) => softmaxXent(logits, labels), probabilities: softmax },
  sigmoid: { xent: sigmoidXent, probabilities: logistic },
};
