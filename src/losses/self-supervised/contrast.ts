/**
 * @file Contrastive losses: each view matches another view of its image, and not the rest of the batch or a queue.
 *
 * NT-Xent: Chen et al. 2020 (SimCLR), arXiv:2002.05709, equation 1. With a queue: He et al. 2020 (MoCo), arXiv:1911.05722,
 * equation 1. With keys of the batch: Chen et al. 2021 (MoCo v3), arXiv:2104.02057, Algorithm 1. With labels: Khosla et al.
 * 2020 (SupCon), arXiv:2004.11362, equation 2.
 */

import {
  type Tensor,
  arange,
  broadcastInDim,
  concatenate,
  convert,
  diagonal,
  div,
  equal,
  expandDims,
  eye,
  iota,
  logSoftmax,
  logSumExp,
  logicalAnd,
  logicalNot,
  maximum,
  mul,
  neg,
  reduceSum,
  select,
  sub,
} from "../../graph/index.ts";
import { shapeError } from "../../graph/tensor.ts";
import { cosines, rowProducts, unitRows } from "./rows.ts";

/** What takes part in no softmax. */
const OUT = -1e9;

function sameRows(name: string, a: Tensor, b: Tensor): void {
  if (a.rank === 2 && String(a.shape) === String(b.shape)) return;
  throw shapeError(name, [a, b], "takes two views [batch, width] of one shape");
}

const own = (n: number): Tensor => equal(eye(n), 1);

/** Columns that a mask [n] leaves out, out of the softmax of every row. */
const withoutColumns = (logits: Tensor, mask?: Tensor): Tensor =>
  mask ? select(broadcastInDim(convert(mask, "bool"), logits.shape, [1]), logits, OUT) : logits;

/** Options of {@link ntXent}. */
interface ContrastOptions {
  /** What cosines are divided by. */
  readonly temperature: number;
  /** 0 for examples that take no part, [batch]. */
  readonly mask?: Tensor;
}

/**
 * NT-Xent of both views: −log exp(cos(zᵢ, zⱼ)/τ) / Σ_{k≠i} exp(cos(zᵢ, z_k)/τ), j the other view of i and k over both views of
 * the batch.
 *
 * @param a one view, [batch, width]
 * @param b the other view, [batch, width]
 * @returns the loss of each view, [2 batch]: those of `a`, then those of `b`
 */
export function ntXent(a: Tensor, b: Tensor, { temperature, mask }: ContrastOptions): Tensor {
  sameRows("ntXent", a, b);
  const z = unitRows(concatenate([a, b], 0)); // [2 batch, width]
  const kept = mask && concatenate([mask, mask], 0);
  const scores = withoutColumns(mul(rowProducts(z, z), 1 / temperature), kept);
  const others = select(own(z.shape[0]), OUT, scores);
  const together = mul(cosines(a, b), 1 / temperature); // [batch]
  return sub(logSumExp(others, 1), concatenate([together, together], 0));
}

/**
 * The logits of MoCo: the cosine of each query and its key first, then those with all of the queue, divided by the
 * temperature.
 *
 * @param query [batch, width]
 * @param key [batch, width]; no gradient passes where it comes from a teacher
 * @param queue rows of unit length, [length, width]
 * @returns [batch, 1 + length]; class 0 is the right one
 */
export function queueLogits(
  query: Tensor,
  key: Tensor,
  queue: Tensor,
  temperature: number,
): Tensor {
  sameRows("queueLogits", query, key);
  const positive = expandDims(cosines(query, key), 1);
  const negative = rowProducts(unitRows(query), queue);
  return mul(concatenate([positive, negative], 1), 1 / temperature);
}

/** −log softmax of class 0, of the logits of {@link queueLogits}: [batch]. */
export const firstIsRight = (logits: Tensor): Tensor =>
  sub(logSumExp(logits, 1), reduceSum(mul(logits, firstOf(logits)), 1));

const firstOf = (logits: Tensor): Tensor =>
  convert(equal(iota(logits.shape, "int32", 1), 0), logits.dtype);

/**
 * InfoNCE against the keys of the batch, times 2τ as MoCo v3 has it: 2τ · −log exp(qᵢ·kᵢ/τ) / Σⱼ exp(qᵢ·kⱼ/τ), for each query.
 *
 * @param query [batch, width]
 * @param key [batch, width]
 * @returns [batch]
 */
export function batchContrast(
  query: Tensor,
  key: Tensor,
  { temperature, mask }: ContrastOptions,
): Tensor {
  sameRows("batchContrast", query, key);
  const logits = mul(rowProducts(unitRows(query), unitRows(key)), 1 / temperature);
  const nll = neg(diagonal(logSoftmax(withoutColumns(logits, mask), 1)));
  return mul(nll, 2 * temperature);
}

/**
 * Supervised contrast with the mean over the positives outside of the logarithm: for each anchor, the mean over other rows of
 * its class of −log exp(zᵢ·z_p/τ) / Σ_{k≠i} exp(zᵢ·z_k/τ); 0 where there are none.
 *
 * @param z [batch, width], of unit length or not
 * @param labels integers [batch]
 * @param mask 0 for rows that take no part, [batch]
 * @returns [batch]
 */
export function supervisedContrast(
  z: Tensor,
  labels: Tensor,
  temperature: number,
  mask?: Tensor,
): Tensor {
  const unit = unitRows(z);
  const self = own(z.shape[0]);
  const scores = withoutColumns(mul(rowProducts(unit, unit), 1 / temperature), mask);
  const logits = select(self, OUT, scores);
  const likes = logicalAnd(sameLabels(labels), logicalNot(self));
  const positive = convert(bothKept(likes, mask), z.dtype);
  const nll = reduceSum(mul(neg(logSoftmax(logits, 1)), positive), 1);
  return div(nll, maximum(reduceSum(positive, 1), 1));
}

/** Whether rows have the same label: bool [batch, batch]. */
export function sameLabels(labels: Tensor): Tensor {
  const [n] = labels.shape;
  return equal(broadcastInDim(labels, [n, n], [0]), broadcastInDim(labels, [n, n], [1]));
}

/** Those of pairs [n, n] of which a mask [n] keeps both. */
export function bothKept(pairs: Tensor, mask?: Tensor): Tensor {
  if (!mask) return pairs;
  const kept = convert(mask, "bool");
  const [rows, columns] = [0, 1].map((axis) => broadcastInDim(kept, pairs.shape, [axis]));
  return logicalAnd(pairs, logicalAnd(rows, columns));
}

/** Each row with a label of its own, for views: int32 [views · batch], the images' numbers once for every view. */
export const imageLabels = (batch: number, views: number): Tensor =>
  concatenate(
    Array.from({ length: views }, () => arange(batch, "int32")),
    0,
  );
