/**
 * @file Assignment to prototypes: codes by Sinkhorn, and predictions of one view's code from another.
 *
 * SwAV: Caron et al. 2020, arXiv:2006.09882, equations 1 to 5 and Algorithm 1. MSN: Assran et al. 2022, arXiv:2204.07141,
 * equation 1.
 */

import {
  type Tensor,
  type TensorLike,
  add,
  div,
  exp,
  indexAxis,
  logSoftmax,
  maximum,
  mul,
  neg,
  reduceMax,
  reduceSum,
  softmax,
  stopGradient,
  sub,
} from "../../graph/index.ts";
import {
  columnMeans,
  countRows,
  entropyOf,
  keptRows,
  meanOver,
  repeatRows,
  rowProducts,
  unitRows,
} from "./rows.ts";

/** Options of {@link sinkhorn}. */
export interface SinkhornOptions {
  /** What scores are divided by: how soft the codes are. Default: 0.05. */
  readonly epsilon?: TensorLike;
  /** Default: 3. */
  readonly rounds?: number;
  /** 0 for examples that take no part, [batch]. */
  readonly mask?: Tensor;
}

/**
 * Codes that share the prototypes equally among the batch: Q = exp(scores / ε), in each round every prototype's part becomes
 * 1/K and then every example's 1/B; at last times B, so that each row is a distribution. No gradient passes.
 *
 * @param scores [batch, prototypes]
 * @returns [batch, prototypes]
 */
export function sinkhorn(
  scores: Tensor,
  { epsilon = 0.05, ...options }: SinkhornOptions = {},
): Tensor {
  const given = stopGradient(scores);
  // the largest score is taken off before exp: what all have in common falls out in the first division
  return shareEqually(exp(div(sub(given, reduceMax(given)), epsilon)), options);
}

/** The rounds of {@link sinkhorn} on weights that are not negative, [batch, prototypes]. */
export function shareEqually(
  weights: Tensor,
  { rounds = 3, mask }: Pick<SinkhornOptions, "rounds" | "mask"> = {},
): Tensor {
  const prototypes = weights.shape[1];
  const count = countRows(weights, mask);
  let q = keptRows(stopGradient(weights), mask);
  q = div(q, maximum(reduceSum(q), 1e-30)); // a mask may leave nothing
  for (let round = 0; round < rounds; round++) {
    q = div(q, maximum(mul(reduceSum(q, 0, { keepDims: true }), prototypes), 1e-30));
    q = div(q, maximum(mul(reduceSum(q, 1, { keepDims: true }), count), 1e-30));
  }
  return mul(q, count);
}

/** Options of {@link swappedPrediction}. */
export interface SwappedOptions {
  /** Of the predictions. Default: 0.1. */
  readonly temperature?: number;
  /** The codes of each of the first crops, [globals, batch, prototypes]. */
  readonly codes: readonly Tensor[];
}

/**
 * SwAV's swapped prediction: the code of each global crop is predicted from all other crops, −Σ q log softmax(scores/τ);
 * the mean over these crops and over the codes.
 *
 * @param scores of each crop, the global ones first, each [batch, prototypes]
 * @returns the loss of each example, [batch]
 */
export function swappedPrediction(
  scores: readonly Tensor[],
  { temperature = 0.1, codes }: SwappedOptions,
): Tensor {
  const logs = scores.map((one) => logSoftmax(mul(one, 1 / temperature), 1));
  const terms = codes.flatMap((code, i) =>
    logs.flatMap((log, v) =>
      v === i ? [] : [mul(neg(reduceSum(mul(stopGradient(code), log), 1)), 1 / (logs.length - 1))],
    ),
  );
  return mul(terms.reduce(add), 1 / codes.length);
}

/** The cosines of vectors [batch, width] with prototypes [count, width]: [batch, count]. */
export const prototypeScores = (z: Tensor, prototypes: Tensor): Tensor =>
  rowProducts(unitRows(z), unitRows(prototypes));

/** Options of {@link maskedSiamese}. */
export interface MaskedSiameseOptions {
  /** Of the anchors. Default: 0.1. */
  readonly temperature?: number;
  /** Of the targets: their sharpness. Default: 0.025. */
  readonly targetTemperature?: number;
  /** λ, how much the entropy of the mean prediction counts. Default: 1. */
  readonly entropyWeight?: number;
  /** Whether targets share the prototypes equally, by Sinkhorn. Default: false. */
  readonly sinkhorn?: boolean;
  /** 0 for images that take no part, [batch]. */
  readonly mask?: Tensor;
}

/** What {@link maskedSiamese} is made of: scalars. */
export interface MaskedSiameseTerms {
  readonly loss: Tensor;
  readonly crossEntropy: Tensor;
  /** The entropy of the mean prediction. */
  readonly meanEntropy: Tensor;
}

/**
 * MSN: the cross-entropy of the anchors' assignment to prototypes with the target's sharpened one, less λ times the entropy of
 * the mean assignment. Anchors of several views lie one view after the other; no gradient passes through the targets.
 *
 * @param anchors [views · batch, width]
 * @param targets [batch, width]
 * @param prototypes [count, width]
 */
export function maskedSiamese(
  anchors: Tensor,
  targets: Tensor,
  prototypes: Tensor,
  options: MaskedSiameseOptions = {},
): MaskedSiameseTerms {
  const { temperature = 0.1, targetTemperature = 0.025, entropyWeight = 1, mask } = options;
  const views = anchors.shape[0] / targets.shape[0];
  const scores = mul(prototypeScores(anchors, prototypes), 1 / temperature);
  const sharp = softmax(
    mul(prototypeScores(stopGradient(targets), stopGradient(prototypes)), 1 / targetTemperature),
    1,
  );
  const aims = options.sinkhorn ? shareEqually(sharp, { mask }) : sharp; // [batch, count]
  const repeated = repeatRows(stopGradient(aims), views);
  const kept = mask && repeatRows(mask, views);
  const crossEntropy = meanOver(neg(reduceSum(mul(repeated, logSoftmax(scores, 1)), 1)), kept);
  const meanEntropy = entropyOf(indexAxis(columnMeans(softmax(scores, 1), kept), 0, 0));
  return {
    loss: sub(crossEntropy, mul(meanEntropy, entropyWeight)),
    crossEntropy,
    meanEntropy,
  };
}
