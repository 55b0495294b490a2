/** @file Rows of features: of unit length, their products, and means that leave out what a mask does. */

import {
  type Tensor,
  broadcastInDim,
  concatenate,
  convert,
  div,
  dotGeneral,
  expandDims,
  log,
  maximum,
  mean,
  mul,
  neg,
  reduceSum,
  reshape,
  rsqrt,
  square,
} from "../../graph/index.ts";

/** Vectors along the last axis divided by their length; a length below 1e-12 counts as that, as in PyTorch's `normalize`. */
export const unitRows = (x: Tensor): Tensor =>
  mul(x, rsqrt(maximum(reduceSum(square(x), -1, { keepDims: true }), 1e-24)));

/** The products of every row of a [n, width] with every row of b [m, width]: [n, m]. */
export const rowProducts = (a: Tensor, b: Tensor): Tensor =>
  dotGeneral(a, b, { lhsContract: [1], rhsContract: [1] });

/** The cosine of the angle between vectors along the last axis. */
export const cosines = (a: Tensor, b: Tensor): Tensor =>
  reduceSum(mul(unitRows(a), unitRows(b)), -1);

/** How many rows a mask [batch] (bool or float) keeps, or all of x: a scalar that is at least 1. */
export const countRows = (x: Tensor, mask?: Tensor): Tensor | number =>
  mask ? maximum(reduceSum(convert(mask, x.dtype)), 1) : x.shape[0];

/** x [batch, width] with the rows that a mask leaves out at 0. */
export const keptRows = (x: Tensor, mask?: Tensor): Tensor =>
  mask ? mul(x, expandDims(convert(mask, x.dtype), 1)) : x;

/** The mean over the rows of x [batch, width] that a mask keeps: [1, width]. */
export const columnMeans = (x: Tensor, mask?: Tensor): Tensor =>
  mask
    ? div(reduceSum(keptRows(x, mask), 0, { keepDims: true }), countRows(x, mask))
    : mean(x, 0, { keepDims: true });

/** The mean of values [batch, …] over those that a mask of their shape keeps, in their dtype; 0 where it keeps none. */
export function meanOver(values: Tensor, mask?: Tensor): Tensor {
  if (!mask) return mean(values);
  const weights = convert(mask, values.dtype);
  return div(reduceSum(mul(values, weights)), maximum(reduceSum(weights), 1));
}

/** −Σ p log p over the last axis, of probabilities; a probability of 0 gives 0. */
export const entropyOf = (p: Tensor): Tensor => neg(reduceSum(mul(p, log(maximum(p, 1e-30))), -1));

/** A mask [batch] for rows that hold several of each image in turn: [count · batch]. */
export const maskOfEach = (mask: Tensor, count: number): Tensor =>
  reshape(broadcastInDim(mask, [mask.shape[0], count], [0]), [mask.shape[0] * count]);

/** Rows [n, …] over and over: [times · n, …]. */
export const repeatRows = (x: Tensor, times: number): Tensor =>
  times === 1
    ? x
    : concatenate(
        Array.from({ length: times }, () => x),
        0,
      );
