/** @file Multi-head attention with flax's names and layouts. */

import { OcelliError } from "../errors.ts";
import { type DType, type Tensor, attention } from "../graph/index.ts";
import { dense } from "./dense.ts";
import { type Initialiser, lecunNormal } from "./initialisers.ts";
import { layer } from "./scope.ts";

/** Options of {@link multiHeadAttention}. */
export interface AttentionOptions {
  readonly heads: number;
  readonly kernelInit?: Initialiser;
  readonly dtype?: DType;
  /** Added to the scores; broadcasts to [batch, heads, queries, keys]. */
  readonly mask?: Tensor;
}

/**
 * Scaled dot-product attention with projections. x [batch, queries, width], context [batch, keys, width];
 * `query`, `key`, `value` kernels [width, heads, dim], `out` [heads, dim, width] → [batch, queries, width].
 * Vaswani et al. 2017, arXiv:1706.03762.
 */
export const multiHeadAttention = layer(
  (
    scope,
    x: Tensor,
    context: Tensor,
    { heads, kernelInit = lecunNormal, dtype = "float32", mask }: AttentionOptions,
  ): Tensor => {
    const width = x.shape[2];
    if (width % heads !== 0) {
      throw new OcelliError("shape", `width ${width} does not divide into ${heads} heads.`, {
        given: { width, heads },
      });
    }
    const options = { kernelInit, dtype };
    const project = (name: string, from: Tensor): Tensor =>
      dense(scope.at(name), from, [heads, width / heads], options); // [batch, tokens, heads, dim]
    const mixed = attention(
      project("query", x),
      project("key", context),
      project("value", context),
      mask,
    );
    return dense(scope.at("out"), mixed, width, { ...options, axes: 2 });
  },
);
