/**
 * @file Losses of a classifier on pictures without labels.
 *
 * Entropy minimisation: Grandvalet & Bengio 2004. Virtual adversarial training: Miyato et al. 2018, arXiv:1704.03976, as S4L
 * takes it: Zhai et al. 2019, arXiv:1905.03670.
 */

import {
  type Tensor,
  grad,
  logSoftmax,
  maximum,
  mean,
  mul,
  neg,
  normal,
  reduceSum,
  rsqrt,
  softmax,
  square,
  stopGradient,
  sub,
  add,
  convert,
} from "../../graph/index.ts";

/** The entropy of each row's softmax, [batch]. */
export const softmaxEntropy = (logits: Tensor): Tensor =>
  neg(reduceSum(mul(softmax(logits, -1), logSoftmax(logits, -1)), -1));

/** KL(softmax(a) ‖ softmax(b)) for each row, [batch]. */
export const logitDivergence = (a: Tensor, b: Tensor): Tensor =>
  reduceSum(mul(softmax(a, -1), sub(logSoftmax(a, -1), logSoftmax(b, -1))), -1);

/** Images, each divided by its length (or by 1e-6 where it is shorter). */
function unitImages(x: Tensor): Tensor {
  const axes = x.shape.slice(1).map((_, i) => i + 1);
  return mul(x, rsqrt(maximum(reduceSum(square(x), axes, { keepDims: true }), 1e-12)));
}

/** Options of {@link virtualAdversarial}. */
export interface AdversarialOptions {
  /** The length of the change to an image. */
  readonly epsilon: number;
  /** The length of the step by which the direction is found. Default: 1e-6. */
  readonly xi?: number;
  /** Rounds of the power iteration. Default: 1. */
  readonly rounds?: number;
}

/**
 * Virtual adversarial training: KL(f(x + r) ‖ f(x)) with r of length ε in the direction that changes the answer most, found by
 * power iteration from a random one: d ← ∇_d KL(f(x + ξ d) ‖ f(x)). No gradient passes through f(x) and r.
 *
 * @param classify images to logits [batch, classes]
 * @param image [batch, height, width, channels]
 * @param logits those of `image`
 * @returns [batch]
 */
export function virtualAdversarial(
  classify: (image: Tensor) => Tensor,
  image: Tensor,
  logits: Tensor,
  key: Tensor,
  { epsilon, xi = 1e-6, rounds = 1 }: AdversarialOptions,
): Tensor {
  const clean = stopGradient(logits);
  let direction = unitImages(convert(normal(key, image.shape), image.dtype));
  for (let round = 0; round < rounds; round++) {
    const changed = (d: Tensor): Tensor => mean(logitDivergence(classify(add(image, d)), clean));
    direction = unitImages(stopGradient(grad(changed)(mul(direction, xi)) as Tensor));
  }
  return logitDivergence(classify(add(image, mul(stopGradient(direction), epsilon))), clean);
}
