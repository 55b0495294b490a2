/**
 * @file Triplet losses: an anchor is to be nearer to its like than to others.
 *
 * Semi-hard negatives: Schroff et al. 2015 (FaceNet), arXiv:1503.03832. Batch-hard with a soft margin: Hermans et al. 2017,
 * arXiv:1703.07737, and as S4L takes it: Zhai et al. 2019, arXiv:1905.03670.
 */

import {
  type Tensor,
  add,
  argMax,
  argMin,
  broadcastTo,
  categorical,
  convert,
  diagonal,
  div,
  expandDims,
  equal,
  eye,
  exp,
  abs,
  greater,
  log1p,
  logicalAnd,
  logicalNot,
  maximum,
  mul,
  neg,
  reduceOr,
  reduceSum,
  scan,
  select,
  splitKey,
  sqrt,
  stopGradient,
  sub,
  takeAlongAxis,
  transpose,
} from "../../graph/index.ts";
import { rowProducts } from "./rows.ts";
import { bothKept, sameLabels } from "./contrast.ts";

const FAR = 1e30;

/** Squared distances of all pairs of rows of z [n, width], not below 0: [n, n]. */
export function squaredDistances(z: Tensor): Tensor {
  const products = rowProducts(z, z);
  const lengths = expandDims(diagonal(products), 1); // [n, 1]
  const sums = add(lengths, transpose(lengths, [1, 0]));
  return maximum(sub(sums, mul(products, 2)), 0);
}

/** √max(squared, 1e-12), as its slope has no bound at 0. */
const distances = (z: Tensor): Tensor => sqrt(maximum(squaredDistances(z), 1e-12));

/** log(1 + eˣ). */
const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log1p(exp(neg(abs(x)))));

/** Which pairs are of one label, each row with itself left out, and which are of two: bool [n, n]. */
function pairsBy(labels: Tensor, mask?: Tensor): { positive: Tensor; negative: Tensor } {
  const same = sameLabels(labels);
  const self = equal(eye(labels.shape[0]), 1);
  return {
    positive: bothKept(logicalAnd(same, logicalNot(self)), mask),
    negative: bothKept(logicalNot(same), mask),
  };
}

/** One value of each row, at its index [n]. */
const pick = (values: Tensor, indices: Tensor): Tensor =>
  takeAlongAxis(values, expandDims(indices, 1), 1);

/** What {@link batchHard} gives for each anchor, [n]. */
export interface Triplets {
  readonly loss: Tensor;
  /** The distance to its farthest like. */
  readonly positive: Tensor;
  /** The distance to its nearest other. */
  readonly negative: Tensor;
}

/** Options of {@link batchHard}. */
export interface BatchHardOptions {
  /** max(0, d₊ − d₋ + margin), or "soft" for log(1 + exp(d₊ − d₋)). Default: "soft". */
  readonly margin?: number | "soft";
  /** Draws the like by softmax(d) and the other by softmax(−d) instead of the hardest: a random key. */
  readonly key?: Tensor;
  /** 0 for rows that take no part, [n]; their own values mean nothing. */
  readonly mask?: Tensor;
}

/**
 * Each anchor against its farthest like and its nearest other of the batch, by Euclidean distance.
 *
 * @param z [n, width]
 * @param labels integers [n]; every label needs two rows or more, and there need to be two labels or more
 */
export function batchHard(
  z: Tensor,
  labels: Tensor,
  { margin = "soft", key, mask }: BatchHardOptions = {},
): Triplets {
  const all = distances(z);
  const { positive: like, negative: other } = pairsBy(labels, mask);
  const [far, near] = [select(like, all, -FAR), select(other, all, FAR)];
  const choose = (): [Tensor, Tensor] => {
    if (!key) return [argMax(stopGradient(far), 1), argMin(stopGradient(near), 1)];
    const [first, second] = splitKey(key, 2);
    return [categorical(first, stopGradient(far)), categorical(second, stopGradient(neg(near)))];
  };
  const [positive, negative] = choose().map((indices) => {
    const picked = pick(all, indices);
    return reduceSum(picked, 1);
  });
  const apart = sub(positive, negative);
  const loss = margin === "soft" ? softplus(apart) : maximum(add(apart, margin), 0);
  return { loss, positive, negative };
}

/**
 * Semi-hard triplets over squared distances: for every pair of likes the nearest other that is farther than the like, or else
 * the farthest other; max(0, d₊ − d₋ + margin), the mean over these pairs.
 *
 * @param z [n, width]
 * @param labels integers [n]
 * @param mask 0 for rows that take no part, [n]
 */
export function semiHard(z: Tensor, labels: Tensor, margin = 0.5, mask?: Tensor): Tensor {
  const squared = squaredDistances(z);
  const { positive: like, negative: other } = pairsBy(labels, mask);
  const fixed = stopGradient(squared);
  const farthest = argMax(select(other, fixed, -FAR), 1); // [n]
  // like by like, so that no array is larger than [n, n]
  const { ys } = scan(
    (_, [reach]) => {
      const beyond = logicalAnd(
        other,
        greater(fixed, broadcastTo(expandDims(reach, 1), fixed.shape)),
      );
      const nearest = argMin(select(beyond, fixed, FAR), 1);
      return { carry: [], ys: [select(reduceOr(beyond, 1), nearest, farthest)] };
    },
    [],
    [transpose(fixed, [1, 0])],
  );
  const chosen = takeAlongAxis(squared, transpose(ys[0], [1, 0]), 1); // [anchor, like]
  const pairs = convert(like, z.dtype);
  const losses = mul(maximum(add(sub(squared, chosen), margin), 0), pairs);
  return div(reduceSum(losses), maximum(reduceSum(pairs), 1));
}
