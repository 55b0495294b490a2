/** @file Scaled dot-product attention as a composite. */

import { type Tensor, shapeError } from "../tensor.ts";
import { softmax } from "./activation.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { reduceSum } from "./stretch.ts";
import { broadcastTo } from "./broadcast.ts";
import { applyComposite, emitComposite } from "./composite.ts";
import { einsum } from "./dot.ts";

const keep = { keepDims: true };

/** Scores q kᵀ · scale (+ mask) as probabilities over the keys, [batch, heads, queries, keys]. */
const probabilities = (q: Tensor, k: Tensor, scale: number, mask?: Tensor): Tensor => {
  const scores = einsum("bqhd,bkhd->bhqk", mul(q, scale), k);
  return softmax(mask ? add(scores, broadcastTo(mask, scores.shape)) : scores);
};

/**
 * How much each query attends to each key: softmax(q kᵀ / √dim + mask), the probabilities inside {@link attention}.
 * q [batch, queries, heads, dim], k [batch, keys, heads, dim] → [batch, heads, queries, keys].
 */
export const attentionWeights = (q: Tensor, k: Tensor, mask?: Tensor): Tensor =>
  probabilities(q, k, 1 / Math.sqrt(q.shape[3]), mask);

/** The cotangents of q, k, v and the mask that are needed, from q, k, v, the result, the probabilities and its cotangent. */
const gradient = (
  needs: readonly boolean[],
  scale: number,
  inputs: readonly Tensor[],
): readonly Tensor[] =>
  emitComposite(
    {
      name: "attentionGradient",
      options: { scale, needs: needs.map(Number).join("") },
      decompose: (a, b, c, _result, weights, d) => {
        const dWeights = einsum("bqhd,bkhd->bhqk", d, c);
        const dScores = mul(weights, sub(dWeights, reduceSum(mul(dWeights, weights), 3, keep)));
        const grads = [
          () => mul(einsum("bhqk,bkhd->bqhd", dScores, b), scale),
          () => mul(einsum("bhqk,bqhd->bkhd", dScores, a), scale),
          () => einsum("bhqk,bqhd->bkhd", weights, d),
          () => dScores,
        ];
        return grads.filter((_, i) => needs[i]).map((make) => make());
      },
    },
    inputs,
  );

/**
 * Scaled dot-product attention: softmax(q kᵀ / √dim + mask) v.
 * q [batch, queries, heads, dim], k and v [batch, keys, heads, dim], mask additive [batch, heads, queries, keys].
 * Vaswani et al. 2017, arXiv:1706.03762.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor {
  const fits =
    q.rank === 4 &&
    k.rank === 4 &&
    String(k.shape) === String(v.shape) &&
    q.shape.every((n, i) => i === 1 || n === k.shape[i]);
  if (!fits)
    throw shapeError(
      "attention",
      [q, k, v],
      "takes q [batch, queries, heads, dim], k and v [batch, keys, heads, dim]",
    );
  const scale = 1 / Math.sqrt(q.shape[3]);
  return applyComposite(
    {
      name: "attention",
      options: { scale },
      decompose: (a, b, c, bias) => {
        const weights = probabilities(a, b, scale, bias);
        return [einsum("bhqk,bkhd->bqhd", weights, c), weights];
      },
      rule: ([a, b, c], [result, weights], [d], needs) => {
        if (!d) return needs.map(() => null);
        const grads = [...gradient(needs, scale, [a, b, c, result, weights, d])];
        return needs.map((need) => (need ? grads.shift()! : null));
      },
    },
    mask
      ? [q, k, v, broadcastTo(mask, [q.shape[0], q.shape[2], q.shape[1], k.shape[1]])]
      : [q, k, v],
  );
}
