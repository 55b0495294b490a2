/** @file Convolutions over NHWC images. */

import {
  type DType,
  type PaddingArgument,
  type Tensor,
  add,
  broadcastTo,
  conv as convolve,
  convert,
  div,
  mean,
  mul,
  reshape,
  rsqrt,
  slice,
  sqrt,
  square,
  sub,
  transpose,
} from "../graph/index.ts";
import { type DenseOptions, dense } from "./dense.ts";
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
  /** What the kernel goes through before it is used, such as {@link standardiseByDeviation}. */
  readonly reparametrise?: (kernel: Tensor) => Tensor;
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
      reparametrise = (kernel) => kernel,
      dtype = "float32",
    }: ConvLayerOptions,
  ): Tensor => {
    const shape = [...window, x.shape[3] / groups, features];
    const kernel = reparametrise(scope.param("kernel", kernelInit, shape));
    const y = convolve(convert(x, dtype), convert(kernel, dtype), { strides, padding, groups });
    if (!bias) return y;
    return add(y, broadcastTo(convert(scope.param("bias", biasInit, [features]), dtype), y.shape));
  },
);

const CENTRED = [0, 1, 2]; // window and inputs: every output feature is standardised apart

/** A kernel [kh, kw, in, out] less its mean, and its variance [1, 1, 1, out]. */
function centre(kernel: Tensor): { centred: Tensor; spread: Tensor } {
  const centred = sub(kernel, mean(kernel, CENTRED, { keepDims: true }));
  return { centred, spread: mean(square(centred), CENTRED, { keepDims: true }) };
}

/** Weight standardisation: (w − mean) / (σ + ε) for every output feature. Qiao et al. 2019, arXiv:1903.10520. */
export function standardiseByDeviation(kernel: Tensor, epsilon = 1e-5): Tensor {
  const { centred, spread } = centre(kernel);
  return div(centred, add(sqrt(spread), epsilon));
}

/** Weight standardisation as in the BiT paper's own code: (w − mean) / √(σ² + ε). Kolesnikov et al. 2020. */
export function standardiseByVariance(kernel: Tensor, epsilon = 1e-10): Tensor {
  const { centred, spread } = centre(kernel);
  return mul(centred, rsqrt(add(spread, epsilon)));
}

/**
 * Patches that do not overlap: x [batch, height, width, in] → [batch, ⌊height / ph⌋, ⌊width / pw⌋, ph, pw, in];
 * what is left over at the lower and right edges is dropped.
 */
export function patches(x: Tensor, [ph, pw]: readonly [number, number]): Tensor {
  const [batch, height, width, channels] = x.shape;
  const [rows, columns] = [Math.floor(height / ph), Math.floor(width / pw)];
  const whole = slice(x, [0, 0, 0, 0], [batch, rows * ph, columns * pw, channels]);
  const cells = reshape(whole, [batch, rows, ph, columns, pw, channels]);
  return transpose(cells, [0, 1, 3, 2, 4, 5]);
}

/**
 * The convolution of patches that do not overlap, written as one matrix product.
 * x [batch, height, width, in], `kernel` [ph, pw, in, out] → [batch, ⌊height / ph⌋, ⌊width / pw⌋, out].
 */
export const patchEmbedding = layer(
  (
    scope,
    x: Tensor,
    features: number,
    size: readonly [number, number],
    { dtype, bias }: Pick<DenseOptions, "dtype" | "bias"> = {},
  ): Tensor => dense(scope, patches(x, size), features, { axes: 3, dtype, bias }),
);
