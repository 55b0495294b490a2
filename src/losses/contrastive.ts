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
  add,
  convert,
  exp,
  full,
  greater,
  log,
  maximum,
  reduceMax,
  remat,
  reshape,
  saveNothing,
  scan,
  select,
  stopGradient,
  sub,
  zeros,
} from "../graph/index.ts";
import { chunkOf, groupRows, ungroupRows } from "./groups.ts";

/** What {@link bidirectionalContrastive} returns for each pair. */
export interface ContrastiveResult {
  /** [batch] */
  readonly loss: Tensor;
  /** Whether the image's best text is its own, bool [batch]. */
  readonly correct: Tensor;
}

/**
 * The mean of image-to-text and text-to-image cross-entropy, each pair against all of the batch.
 * Radford et al. 2021, arXiv:2103.00020. In chunks no more than batch × chunk scores live at once, and the backward pass
 * computes them again.
 *
 * @param zimg [batch, width]
 * @param ztxt [batch, width]
 * @param temperature the factor of the products, a scalar (or one that broadcasts)
 * @param mask bool [batch]; pairs left out neither count nor stand against others
 * @param chunk how many texts the images are compared with at once. Default: all
 */
export function bidirectionalContrastive(
  zimg: Tensor,
  ztxt: Tensor,
  temperature: Tensor,
  mask?: Tensor,
  chunk?: number,
): ContrastiveResult {
  const n = zimg.shape[0];
  if (chunkOf(chunk, n) < n) return inChunks(zimg, ztxt, temperature, mask, chunkOf(chunk, n));
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

/** A score that no other is below, and that is a number. */
const NONE = -3.4028234663852886e38;

/** The same, a group of texts after the other: what rows have of the soft maximum and the best text so far is carried. */
function inChunks(
  zimg: Tensor,
  ztxt: Tensor,
  temperature: Tensor,
  mask: Tensor | undefined,
  chunk: number,
): ContrastiveResult {
  const [n] = zimg.shape;
  const kept = mask ?? equal(zeros([n]), 0);
  const texts = groupRows(ztxt, chunk); // [groups, chunk, width]
  const counted = groupRows(convert(kept, "int32"), chunk);
  const scale = reshape(temperature, []);
  /** Scores of all images and one group, those that do not count at -inf. */
  const scoresOf = (images: Tensor, group: Tensor, counts: Tensor, t: Tensor): Tensor => {
    const products = dotGeneral(images, group, { lhsContract: [1], rhsContract: [1] });
    const { shape } = products;
    const both = logicalAnd(
      broadcastTo(expandDims(kept, 1), shape),
      broadcastTo(expandDims(equal(counts, 1), 0), shape),
    );
    return select(both, mul(products, broadcastTo(t, shape)), -Infinity);
  };
  const step = remat((most, total, best, group, counts, place) => {
    const scores = scoresOf(zimg, group, counts, scale); // [batch, chunk]
    const fixed = stopGradient(scores);
    const highest = reduceMax(fixed, 1);
    const next = stopGradient(maximum(most, highest));
    const grown = exp(sub(scores, broadcastTo(expandDims(next, 1), scores.shape)));
    const sum = add(mul(total, exp(sub(most, next))), reduceSum(grown, 1));
    const found = add(argMax(fixed, 1), broadcastTo(mul(place, chunk), [n]));
    const better = select(greater(highest, most), found, best);
    const tops = maximum(reduceMax(fixed, 0), NONE); // [chunk]
    const columns = exp(sub(scores, broadcastTo(expandDims(tops, 0), scores.shape)));
    return [next, sum, better, add(tops, log(maximum(reduceSum(columns, 0), TINY)))];
  }, saveNothing);
  const { carry, ys } = scan(
    ([most, total, best, place], [group, counts]) => {
      const [next, sum, better, column] = step(most, total, best, group, counts, place);
      return { carry: [next, sum, better, add(place, 1)], ys: [column] };
    },
    [full([n], NONE), zeros([n]), zeros([n], "int32"), zeros([], "int32")],
    [texts, counted],
  );
  const [most, total, best] = carry;
  const byImage = add(most, log(maximum(total, TINY)));
  const byText = ungroupRows(ys[0], n);
  const own = mul(reduceSum(mul(zimg, ztxt), 1), broadcastTo(scale, [n]));
  const loss = sub(mul(add(byImage, byText), 0.5), own);
  return { loss: select(kept, loss, 0), correct: equal(best, arange(n)) };
}

/** The smallest sum whose log is taken: of rows that nothing counts in. */
const TINY = 1e-37;
