/**
 * @file The pairwise sigmoid loss of image and text embeddings, in chunks that are computed again in the backward pass.
 *
 * Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", arXiv:2303.15343, eq. 1, Section 3.3 and figure 1:
 * the batch falls into groups of `chunk` rows. Each group of images is compared with the group of texts it holds, and
 * the texts move on by one group, until all have met; no more than batch × chunk scores live at once. Where the groups
 * lie on the devices of a mesh, moving on is a collective permute.
 */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  abs,
  add,
  broadcastTo,
  convert,
  customGradient,
  einsum,
  equal,
  exp,
  expandDims,
  iota,
  log1p,
  logicalAnd,
  logistic,
  maximum,
  mul,
  neg,
  reduceSum,
  reshape,
  roll,
  scan,
  select,
  zeros,
  zerosLike,
} from "../graph/index.ts";
import { chunkOf, groupRows, ungroupRows } from "./groups.ts";

/** Options of {@link sigmoidContrastive}. */
export interface SigmoidContrastiveOptions {
  /** What is added to the scores, one number. Default: 0. */
  readonly bias?: Tensor;
  /** bool [batch]; pairs left out neither count nor stand against others. */
  readonly mask?: Tensor;
  /** How many texts each image is compared with at once. Default: all. */
  readonly chunk?: number;
}

/** log(1 + eˣ) without overflow. */
const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log1p(exp(neg(abs(x)))));

/** One round: groups of images against the texts they hold. */
interface Round {
  /** zimg · ztxtᵀ, [groups, chunk, chunk]. */
  readonly products: Tensor;
  /** −s · (t · products + b), of which the loss takes the softplus. */
  readonly opposed: Tensor;
  /** −s, which is −1 for a pair and 1 otherwise. */
  readonly opposite: Tensor;
  /** Whether both of a pair count, bool. */
  readonly counts: Tensor;
}

function compareGroups(
  zimg: Tensor,
  ztxt: Tensor,
  [t, b]: readonly [Tensor, Tensor],
  [keptImages, keptTexts]: readonly [Tensor, Tensor],
  round: Tensor,
): Round {
  const products = einsum("gid,gjd->gij", zimg, ztxt);
  const { shape } = products;
  const own = logicalAnd(
    equal(iota(shape, "int32", 1), iota(shape, "int32", 2)),
    broadcastTo(equal(round, 0), shape),
  );
  const opposite = select(own, -1, 1);
  const scores = add(mul(products, broadcastTo(t, shape)), broadcastTo(b, shape));
  const counts = logicalAnd(
    broadcastTo(expandDims(keptImages, 2), shape),
    broadcastTo(expandDims(keptTexts, 1), shape),
  );
  return { products, opposed: mul(opposite, scores), opposite, counts };
}

/** What the texts carry along moves to the group before: each group then holds what the next one held. */
const pass = (x: Tensor): Tensor => (x.shape[0] === 1 ? x : roll(x, -1, 0));

/** Loss of each image [groups, chunk] over all rounds. */
function forward(zimg: Tensor, ztxt: Tensor, scale: readonly [Tensor, Tensor], kept: Tensor) {
  const [groups] = zimg.shape;
  const { carry } = scan(
    ([total, texts, mask, round]) => {
      const { opposed, counts } = compareGroups(zimg, texts, scale, [kept, mask], round);
      const lost = reduceSum(select(counts, softplus(opposed), 0), 2);
      return { carry: [add(total, lost), pass(texts), pass(mask), add(round, 1)] };
    },
    [zeros(kept.shape), ztxt, kept, zeros([], "int32")],
    [],
    { length: groups },
  );
  return carry[0];
}

/** The cotangents of zimg, ztxt, t and b from that of each image's loss, d [groups, chunk]. */
function backward(
  zimg: Tensor,
  ztxt: Tensor,
  [t, b]: readonly [Tensor, Tensor],
  kept: Tensor,
  d: Tensor,
) {
  const [groups] = zimg.shape;
  const { carry } = scan(
    ([dimg, dtxt, dt, db, texts, mask, round]) => {
      const block = compareGroups(zimg, texts, [t, b], [kept, mask], round);
      const { products, opposed, opposite, counts } = block;
      const slope = mul(
        mul(opposite, logistic(opposed)),
        broadcastTo(expandDims(d, 2), opposed.shape),
      );
      const g = select(counts, slope, 0); // of the scores
      const ofProducts = mul(g, broadcastTo(t, g.shape));
      const images = add(dimg, einsum("gij,gjd->gid", ofProducts, texts));
      const held = add(dtxt, einsum("gij,gid->gjd", ofProducts, zimg));
      const sums = [add(dt, reduceSum(mul(g, products))), add(db, reduceSum(g))];
      return {
        carry: [images, pass(held), ...sums, pass(texts), pass(mask), add(round, 1)],
      };
    },
    [
      ...[zerosLike(zimg), zerosLike(ztxt), zeros([]), zeros([])],
      ...[ztxt, kept, zeros([], "int32")],
    ],
    [],
    { length: groups },
  );
  return carry.slice(0, 4); // after all rounds every text is back where it was
}

/**
 * Σⱼ log(1 + exp(−s (t · zimg · ztxtⱼ + b))) for each image, with s = 1 for its own text and −1 for the others, [batch].
 * Its mean over the batch is the paper's loss, which grows with the batch. Memory is batch × chunk numbers.
 *
 * @param zimg [batch, width]
 * @param ztxt [batch, width]
 * @param temperature the factor of the products, one number
 */
export function sigmoidContrastive(
  zimg: Tensor,
  ztxt: Tensor,
  temperature: Tensor,
  { bias, mask, chunk }: SigmoidContrastiveOptions = {},
): Tensor {
  const [batch] = zimg.shape;
  if (String(zimg.shape) !== String(ztxt.shape)) {
    throw new OcelliError("shape", `pairs need embeddings of one shape, not ${zimg} and ${ztxt}.`);
  }
  const size = chunkOf(chunk, batch);
  const all = mask ?? equal(zeros([batch]), 0);
  const kept = groupRows(convert(all, "int32"), size); // int32, so that filling is 0
  const total = customGradient(
    (images, texts, t, b, counted) => ({
      outputs: [forward(images, texts, [t, b], equal(counted, 1))],
      residuals: [images, texts, t, b, counted],
    }),
    ([images, texts, t, b, counted], [d]) => {
      const grads = backward(images, texts, [t, b], equal(counted, 1), d);
      return [...grads, null];
    },
  )(
    groupRows(zimg, size),
    groupRows(ztxt, size),
    reshape(temperature, []),
    bias ? reshape(bias, []) : zeros([]),
    kept,
  );
  return ungroupRows(total[0], batch);
}
