/** @file Means over the examples of a batch. */

import { type Tensor, add, convert, div, mean, mul, reduceSum } from "../graph/index.ts";

/** The mean of values [batch], or of those that a mask [batch] (bool or float) keeps; 0 where it keeps none. */
export function maskedMean(values: Tensor, mask?: Tensor): Tensor {
  const floats = convert(values, "float32");
  if (!mask) return mean(floats);
  const weights = convert(mask, "float32");
  return div(reduceSum(mul(floats, weights)), add(reduceSum(weights), 1e-8));
}
