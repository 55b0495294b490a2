/** @file Cross-entropies over classes that exclude one another. */

import {
  type Tensor,
  add,
  broadcastTo,
  div,
  log,
  logSoftmax,
  maximum,
  mul,
  neg,
  oneHot,
  reduceSum,
} from "../graph/index.ts";
import { shapeError } from "../graph/tensor.ts";

/** Options of {@link softmaxXent}. */
export interface SoftmaxXentOptions {
  /** Subtract the entropy of the labels: the Kullback–Leibler divergence, whose minimum is 0. */
  readonly kl?: boolean;
  /** The axis of the classes. Default: the last. */
  readonly axis?: number;
}

/** −Σ labels · log softmax(logits) for each example; labels are distributions of the logits' shape. */
export function softmaxXent(
  logits: Tensor,
  labels: Tensor,
  { kl = false, axis = -1 }: SoftmaxXentOptions = {},
): Tensor {
  const nll = neg(reduceSum(mul(labels, logSoftmax(logits, axis)), axis));
  if (!kl) return nll;
  return add(nll, reduceSum(mul(labels, log(maximum(labels, 1e-8))), axis));
}

/** Labels moved towards the uniform distribution: (1 − amount) · labels + amount / classes. Szegedy et al. 2016. */
export const smoothLabels = (labels: Tensor, amount: number): Tensor =>
  amount === 0 ? labels : add(mul(labels, 1 - amount), amount / labels.shape.at(-1)!);

/** Options of {@link weightedSoftmaxXent}. */
export interface WeightedXentOptions {
  /** Of each token, [batch, length]. */
  readonly weights?: Tensor;
  /** What the true class gives up, shared equally by the others. */
  readonly labelSmoothing?: number;
  /** Divide each sequence's sum by its tokens (by its sum of weights). Default: true. */
  readonly normalize?: boolean;
}

/**
 * The cross-entropy of sequences: logits [batch, length, classes], integer labels [batch, length] → [batch].
 */
export function weightedSoftmaxXent(
  logits: Tensor,
  labels: Tensor,
  { weights, labelSmoothing = 0, normalize = true }: WeightedXentOptions = {},
): Tensor {
  if (logits.rank !== 3 || labels.rank !== 2) {
    throw shapeError(
      "weightedSoftmaxXent",
      [logits, labels],
      "takes logits [batch, length, classes] and labels [batch, length]",
    );
  }
  const [, length, classes] = logits.shape;
  const rest = labelSmoothing / (classes - 1);
  const hot = mul(oneHot(labels, classes), 1 - labelSmoothing - rest);
  const perToken = softmaxXent(logits, add(hot, rest)); // [batch, length]
  if (!weights) {
    const total = reduceSum(perToken, 1);
    return normalize ? mul(total, 1 / length) : total;
  }
  const total = reduceSum(mul(perToken, broadcastTo(weights, perToken.shape)), 1);
  return normalize ? div(total, maximum(reduceSum(weights, 1), 2e-38)) : total;
}
