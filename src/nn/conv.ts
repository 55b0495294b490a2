/** @file Convolutions over NHWC images. */

import {
  type DType,
  type PaddingArgument,
  type Tensor,
  add,
  broadcastTo,
  conv as convolve,
  convert,
  reshape,
  slice,
  transpose,
} from "../graph/index.ts";
import { dense } from "./dense.ts";
import { type Initialiser, lecunNormal, zerosInit } from "./initialisers.ts";
import { layer } from "./scope.ts";

/** Options of {@link conv}. */
export interface ConvLayerOptions {
  /** The window, [height, width]. */
  readonly kernel: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly padding?: PaddingArgument;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly kernelInit?: Initialiser;
  readonly biasInit?: Initialiser;
  readonly dtype?: DType;
}

/**
 * A convolution. x [batch, height, width, in], `kernel` [kh, kw, in / groups, out], `bias` [out].
 *
 * @param features the extent of the output's last axis
 */
export const conv = layer(
  (
    scope,
    x: Tensor,
    features: number,
    {
      kernel: window,
      strides = [1, 1],
      padding = "SAME",
      groups = 1,
      bias = true,
      kernelInit = lecunNormal,
      biasInit = zerosInit,
      dtype = "float32",
    }: ConvLayerOptions,
  ): Tensor => {
    const kernel = scope.param("kernel", kernelInit, [...window, x.shape[3] / groups, features]);
    const y = convolve(convert(x, dtype), convert(kernel, dtype), { strides, padding, groups });
    if (!bias) return y;
    return add(y, broadcastTo(convert(scope.param("bias", biasInit, [features]), dtype), y.shape));
  },
);

/**
 * The convolution of patches that do not overlap, written as one matrix product.
 * x [batch, height, width, in], `kernel` [ph, pw, in, out] → [batch, ⌊height / ph⌋, ⌊width / pw⌋, out];
 * what is left over at the lower and right edges is dropped.
 */
export const patchEmbedding = layer(
  (
    scope,
    x: Tensor,
    features: number,
    [ph, pw]: readonly [number, number],
    dtype: DType = "float32",
  ): Tensor => {
    const [batch, height, width, channels] = x.shape;
    const [rows, columns] = [Math.floor(height / ph), Math.floor(width / pw)];
    const whole = slice(x, [0, 0, 0, 0], [batch, rows * ph, columns * pw, channels]);
    const cells = reshape(whole, [batch, rows, ph, columns, pw, channels]);
    const patches = transpose(cells, [0, 1, 3, 2, 4, 5]); // [batch, rows, columns, ph, pw, in]
    return dense(scope, patches, features, { axes: 3, dtype });
  },
);
