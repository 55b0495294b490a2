/** @file Pooling of tokens. */

import { type Tensor, add, broadcastTo, indexAxis } from "../graph/index.ts";
import { multiHeadAttention } from "./attention.ts";
import { xavierUniform } from "./initialisers.ts";
import { mlpBlock } from "./mlp.ts";
import { layerNorm } from "./norm.ts";
import { layer } from "./scope.ts";

/** Options of {@link mapHead}. */
export interface MapHeadOptions {
  readonly heads: number;
  /** Of its feed-forward block. */
  readonly hidden?: number;
}

/**
 * Multihead attention pooling: a learned probe attends to all tokens.
 * x [batch, tokens, width] → [batch, width]. Lee et al. 2019, arXiv:1810.00825; Zhai et al. 2022, arXiv:2106.04560.
 */
export const mapHead = layer((scope, x: Tensor, { heads, hidden }: MapHeadOptions): Tensor => {
  const [batch, , width] = x.shape;
  const probe = broadcastTo(scope.param("probe", xavierUniform, [1, 1, width]), [batch, 1, width]);
  const pooled = multiHeadAttention(scope.at("MultiHeadDotProductAttention_0"), probe, x, {
    heads,
    kernelInit: xavierUniform,
  });
  const normal = layerNorm(scope.at("LayerNorm_0"), pooled);
  return indexAxis(add(pooled, mlpBlock(scope.at("MlpBlock_0"), normal, { hidden })), 1, 0);
});
