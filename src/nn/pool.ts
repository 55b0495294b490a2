/** @file Pooling of tokens and of images. */

import {
  type Padding,
  type Tensor,
  add,
  broadcastTo,
  indexAxis,
  reduceWindow,
} from "../graph/index.ts";
import { type Attended, attend } from "./attention.ts";
import { xavierUniform } from "./initialisers.ts";
import { mlpBlock } from "./mlp.ts";
import { type NormName, normalisation } from "./norm.ts";
import { layer } from "./scope.ts";

/** Options of {@link mapHead}. */
export interface MapHeadOptions {
  readonly heads: number;
  /** Of its feed-forward block. */
  readonly hidden?: number;
  readonly activation?: (x: Tensor) => Tensor;
  /** Of its normalisation. */
  readonly epsilon?: number;
  /** Default: "layerNorm". */
  readonly norm?: NormName;
  /** Which tokens count, bool; broadcasts to [batch, heads, 1, tokens]. Default: all. */
  readonly where?: Tensor;
}

/**
 * Multihead attention pooling: a learned probe attends to all tokens.
 * x [batch, tokens, width] → `result` [batch, width], `weights` [batch, heads, 1, tokens]. Lee et al. 2019, arXiv:1810.00825; Zhai et al. 2022, arXiv:2106.04560.
 */
export const mapHead = layer((scope, x: Tensor, options: MapHeadOptions): Attended => {
  const { heads, hidden, activation, epsilon, norm = "layerNorm", where } = options;
  const [batch, , width] = x.shape;
  const probe = broadcastTo(scope.param("probe", xavierUniform, [1, 1, width]), [batch, 1, width]);
  const { result: pooled, weights } = attend(scope.at("MultiHeadDotProductAttention_0"), probe, x, {
    heads,
    kernelInit: xavierUniform,
    where,
  });
  const normal = normalisation(norm, scope.at("LayerNorm_0"), pooled, { epsilon });
  const mlp = mlpBlock(scope.at("MlpBlock_0"), normal, { hidden, activation });
  return { result: indexAxis(add(pooled, mlp), 1, 0), weights };
});

/** Options of {@link maxPool}. */
export interface MaxPoolOptions {
  /** [height, width]. */
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding?: "SAME" | "VALID" | readonly [Padding, Padding];
}

/** The largest value in each window; x [batch, height, width, features]. Padding never wins. */
export function maxPool(x: Tensor, { window, strides, padding = "VALID" }: MaxPoolOptions): Tensor {
  const pads = typeof padding === "string" ? padding : ([[0, 0], ...padding, [0, 0]] as const);
  return reduceWindow(x, "max", [1, ...window, 1], [1, ...strides, 1], pads);
}
