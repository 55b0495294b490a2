/** @file Multi-head attention with flax's names and layouts. */

import { OcelliError } from "../errors.ts";
import {
  type DType,
  type Tensor,
  add,
  attention,
  attentionWeights,
  convert,
  greaterEqual,
  iota,
  select,
} from "../graph/index.ts";
import { dense } from "./dense.ts";
import { type Initialiser, lecunNormal } from "./initialisers.ts";
import { type NormName, normalisation } from "./norm.ts";
import { layer } from "./scope.ts";

/** Options of {@link attend}. */
export interface AttentionOptions {
  readonly heads: number;
  readonly kernelInit?: Initialiser;
  readonly dtype?: DType;
  /** Added to the scores; broadcasts to [batch, heads, queries, keys]. */
  readonly mask?: Tensor;
  /** Whether query, key and value own biases; "no-key": all but the keys, where they change nothing. Default: true. */
  readonly qkvBias?: boolean | "no-key";
  /** Which pairs may attend, bool; broadcasts to [batch, heads, queries, keys]. Default: all. */
  readonly where?: Tensor;
  /** Whether the projection of the result owns a bias. Default: true. */
  readonly outBias?: boolean;
  /** Normalises queries and keys over a head's features (`query_ln`, `key_ln`), which keeps scores bounded. */
  readonly qkNorm?: NormName | false;
}

/** So low a score that nothing else is attended to less; a row of nothing but such scores is still a distribution. */
const lowScore = (dtype: DType): number => (dtype === "float16" ? -6e4 : -1e30);

/** What is added to the scores: a mask, and so low a number elsewhere that only some pairs attend. */
function addendOf(
  { mask, where }: Pick<AttentionOptions, "mask" | "where">,
  dtype: DType,
): Tensor | undefined {
  const low = where && convert(select(where, 0, lowScore(dtype)), dtype);
  return mask && low ? add(mask, low) : (mask ?? low);
}

/** Each position may attend to itself and to those before it, bool [1, 1, length, length]. */
export const causalMask = (length: number): Tensor => {
  const shape = [1, 1, length, length];
  return greaterEqual(iota(shape, "int32", 2), iota(shape, "int32", 3));
};

/** What attention gives, and how it was distributed. */
export interface Attended {
  /** [batch, queries, width]. */
  readonly result: Tensor;
  /** The probabilities, [batch, heads, queries, keys]: computed only in a program that reads them. */
  readonly weights: Tensor;
}

/**
 * Scaled dot-product attention with projections. x [batch, queries, width], context [batch, keys, width];
 * `query`, `key`, `value` kernels [width, heads, dim], `out` [heads, dim, width] → `result`.
 * Vaswani et al. 2017, arXiv:1706.03762.
 */
export const attend = layer(
  (
    scope,
    x: Tensor,
    context: Tensor,
    {
      heads,
      kernelInit = lecunNormal,
      dtype = "float32",
      mask,
      where,
      qkvBias = true,
      outBias = true,
      qkNorm = false,
    }: AttentionOptions,
  ): Attended => {
    const width = x.shape[2];
    if (width % heads !== 0) {
      throw new OcelliError("shape", `width ${width} does not divide into ${heads} heads.`, {
        given: { width, heads },
      });
    }
    const options = { kernelInit, dtype };
    const project = (name: string, from: Tensor): Tensor =>
      dense(scope.at(name), from, [heads, width / heads], {
        ...options,
        bias: qkvBias === "no-key" ? name !== "key" : qkvBias,
      });
    const normalise = (name: string, z: Tensor): Tensor =>
      qkNorm ? convert(normalisation(qkNorm, scope.at(name), z, { bias: false }), dtype) : z;
    const query = normalise("query_ln", project("query", x)); // [batch, queries, heads, dim]
    const key = normalise("key_ln", project("key", context)); // [batch, keys, heads, dim]
    const addend = addendOf({ mask, where }, dtype);
    const mixed = attention(query, key, project("value", context), addend);
    return {
      result: dense(scope.at("out"), mixed, width, { ...options, axes: 2, bias: outBias }),
      weights: attentionWeights(query, key, addend),
    };
  },
);

/** The result of {@link attend} alone, [batch, queries, width]. */
export const multiHeadAttention = (...args: Parameters<typeof attend>): Tensor =>
  attend(...args).result;
