/** @file Normalisations with a learned scale (and bias), computed in float32. */

import {
  type Tensor,
  add,
  broadcastTo,
  convert,
  groupNorm as normaliseGroups,
  layerNorm as normaliseLayer,
  mean,
  mul,
  ones,
  rmsNorm as normaliseRms,
  rsqrt,
  sizeOf,
  square,
  sub,
  zeros,
} from "../graph/index.ts";
import { type Initialiser, onesInit, zerosInit } from "./initialisers.ts";
import { type Scope, layer } from "./scope.ts";

const EPSILON = 1e-6;

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  readonly epsilon?: number;
  /** Whether it owns a `bias`. Default: true. */
  readonly bias?: boolean;
}

/** Layer normalisation over the last axis; `scale` and `bias` [features]. Ba et al. 2016, arXiv:1607.06450. */
export const layerNorm = layer(
  (scope, x: Tensor, { epsilon = EPSILON, bias = true }: LayerNormOptions = {}): Tensor => {
    const shape = [x.shape.at(-1)!];
    const scale = scope.param("scale", onesInit, shape);
    const offset = bias ? scope.param("bias", zerosInit, shape) : zeros(shape);
    return normaliseLayer(convert(x, "float32"), scale, offset, epsilon);
  },
);

/**
 * Root-mean-square normalisation over the last axis by 1 + `scale` [features], as in Gemma.
 * Zhang & Sennrich 2019, arXiv:1910.07467.
 */
export const rmsNorm = layer((scope, x: Tensor, epsilon: number = EPSILON): Tensor => {
  const scale = scope.param("scale", zerosInit, [x.shape.at(-1)!]);
  return normaliseRms(convert(x, "float32"), add(scale, 1), epsilon);
});

/** The names that {@link normalisation} takes. */
export const NORM_NAMES = ["layerNorm", "rmsNorm"] as const;

/** A normalisation of tokens by name. */
export type NormName = (typeof NORM_NAMES)[number];

/** A normalisation over the last axis by name; "rmsNorm" has neither bias nor centring, whatever the options say. */
export const normalisation = (
  name: NormName,
  scope: Scope,
  x: Tensor,
  options: LayerNormOptions = {},
): Tensor =>
  name === "rmsNorm" ? rmsNorm(scope, x, options.epsilon) : layerNorm(scope, x, options);

/** Options of {@link groupNorm}. */
export interface GroupNormOptions {
  /** Into how many groups the features fall. Default: 32. */
  readonly groups?: number;
  readonly epsilon?: number;
  readonly scaleInit?: Initialiser;
}

/** Group normalisation; x [batch, spatial…, features], `scale` and `bias` [features]. Wu & He 2018, arXiv:1803.08494. */
export const groupNorm = layer(
  (
    scope,
    x: Tensor,
    { groups = 32, epsilon = EPSILON, scaleInit = onesInit }: GroupNormOptions = {},
  ): Tensor => {
    const shape = [x.shape.at(-1)!];
    const scale = scope.param("scale", scaleInit, shape);
    const bias = scope.param("bias", zerosInit, shape);
    return normaliseGroups(convert(x, "float32"), scale, bias, groups, epsilon);
  },
);

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  readonly epsilon?: number;
  /** How much of the running statistics stays at a training step. Default: 0.9. */
  readonly momentum?: number;
  /** Whether training too normalises by the running statistics, and leaves them as they are. Default: false. */
  readonly frozen?: boolean;
  readonly scaleInit?: Initialiser;
  /** Whether it owns `scale` and `bias`. Default: true. */
  readonly affine?: boolean;
}

/**
 * Batch normalisation; x [batch, spatial…, features], `scale` and `bias` [features]. A training step normalises by its
 * batch and moves the variables `mean` and `var` (unbiased, as PyTorch keeps it); evaluation normalises by those, and so
 * does a training step where they are frozen or neither scale nor bias is trained. Ioffe & Szegedy 2015, arXiv:1502.03167.
 */
export const batchNorm = layer(
  (
    scope,
    x: Tensor,
    {
      epsilon = 1e-5,
      momentum = 0.9,
      frozen = false,
      scaleInit = onesInit,
      affine = true,
    }: BatchNormOptions = {},
  ): Tensor => {
    const shape = [x.shape.at(-1)!];
    const scale = affine ? scope.param("scale", scaleInit, shape) : ones(shape);
    const bias = affine ? scope.param("bias", zerosInit, shape) : zeros(shape);
    const running = {
      mean: scope.variable("mean", zerosInit, shape),
      var: scope.variable("var", onesInit, shape),
    };
    const input = convert(x, "float32");
    let [centre, spread] = [running.mean.value, running.var.value]; // [features]
    const isFrozen = frozen || (affine && scope.frozen("scale") && scope.frozen("bias"));
    if (scope.train && !isFrozen) {
      const axes = x.shape.slice(0, -1).map((_, axis) => axis);
      const count = sizeOf(x.shape.slice(0, -1));
      centre = mean(input, axes);
      spread = mean(square(sub(input, broadcastTo(centre, x.shape))), axes);
      const keep = (old: Tensor, now: Tensor): Tensor =>
        add(mul(old, momentum), mul(now, 1 - momentum));
      running.mean.set(keep(running.mean.value, centre));
      running.var.set(keep(running.var.value, mul(spread, count / Math.max(count - 1, 1))));
    }
    const factor = mul(scale, rsqrt(add(spread, epsilon))); // one product for each element
    const offset = sub(bias, mul(centre, factor));
    return add(mul(input, broadcastTo(factor, x.shape)), broadcastTo(offset, x.shape));
  },
);
