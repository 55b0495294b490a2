/** @file Mixup on the device. */

import { OcelliError } from "../errors.ts";
import { type Tensor, add, beta, broadcastTo, maximum, mul, roll, sub } from "../graph/index.ts";

/**
 * The coefficient of a step: one Beta(p, p) number λ, as max(λ, 1 − λ). Zhang et al. 2018, arXiv:1710.09412.
 *
 * @returns a float32 scalar in [0.5, 1]
 */
export function mixupCoefficient(key: Tensor, p: number): Tensor {
  if (!(p > 0)) throw new OcelliError("argument", `mixup's p must be above 0, not ${p}.`);
  const lambda = beta(key, p, p);
  return maximum(lambda, sub(1, lambda));
}

/** λ · x + (1 − λ) · partner along the batch axis; the partner of a row is the row before it, cyclically. */
export function mix(x: Tensor, lambda: Tensor): Tensor {
  const weight = broadcastTo(lambda, x.shape);
  return add(mul(weight, x), mul(sub(1, weight), roll(x, 1, 0)));
}
