/** @file The contrastive loss of image and text embeddings in both directions. */

import {
  type Tensor,
  arange,
  argMax,
  broadcastTo,
  dotGeneral,
  equal,
  expandDims,
  iota,
  logSoftmax,
  logicalAnd,
  mul,
  neg,
  reduceSum,
  select,
  add,
} from "../graph/index.ts";

/** What {@link bidirectionalContrastive} returns for each pair. */
export interface ContrastiveResult {
  /** [batch] */
  readonly loss: Tensor;
  /** Whether the image's best text is its own, bool [batch]. */
  readonly correct: Tensor;
}

/**
 * The mean of image-to-text and text-to-image cross-entropy, each pair against all of the batch.
 * Radford et al. 2021, arXiv:2103.00020.
 *
 * @param zimg [batch, width]
 * @param ztxt [batch, width]
 * @param temperature the factor of the products, a scalar (or one that broadcasts)
 * @param mask bool [batch]; pairs left out neither count nor stand against others
 */
export function bidirectionalContrastive(
  zimg: Tensor,
  ztxt: Tensor,
  temperature: Tensor,
  mask?: Tensor,
): ContrastiveResult {
  const n = zimg.shape[0];
  const square = [n, n];
  const products = dotGeneral(zimg, ztxt, { lhsContract: [1], rhsContract: [1] });
  const all = mul(products, temperature); // [batch, batch]
  const logits = mask
    ? select(
        logicalAnd(
          broadcastTo(expandDims(mask, 1), square),
          broadcastTo(expandDims(mask, 0), square),
        ),
        all,
        -Infinity,
      )
    : all;
  const own = equal(iota(square, "int32", 0), iota(square, "int32", 1));
  const nll = (axis: number): Tensor =>
    neg(reduceSum(select(own, logSoftmax(logits, axis), 0), axis));
  const loss = mul(add(nll(1), nll(0)), 0.5);
  return {
    loss: mask ? select(mask, loss, 0) : loss,
    correct: equal(argMax(logits, 1), arange(n)),
  };
}
