/** @file Heads that self-supervision puts on a model's features while it trains: projectors, predictors, DINO's. */

import {
  type Tensor,
  add,
  geluExact,
  maximum,
  mul,
  rsqrt,
  dotGeneral,
  reduceSum,
  square,
} from "../../graph/index.ts";
import { unitRows } from "../../losses/index.ts";
import { batchNorm, dense, layer, truncatedNormal, lecunNormal } from "../../nn/index.ts";

/** Options of {@link projector}. */
export interface ProjectorOptions {
  /** Widths of the layers, the output's last. */
  readonly widths: readonly number[];
  /** What follows the last layer: nothing, a batch normalisation, or one without scale and bias. Default: "none". */
  readonly last?: "none" | "norm" | "plain-norm";
  /** Whether batch normalisations stand between the layers. Default: true. */
  readonly norms?: boolean;
  /** What follows the inner layers. Default: ReLU. */
  readonly activation?: (x: Tensor) => Tensor;
  /** Whether the last layer has a bias, where no normalisation follows it. Default: true. */
  readonly bias?: boolean;
}

const relu = (x: Tensor): Tensor => maximum(x, 0);

/** Dense layers with batch normalisation and an activation between them. x [batch, features] → [batch, width]. */
export const projector = layer((scope, x: Tensor, options: ProjectorOptions): Tensor => {
  const { widths, last = "none", norms = true, activation = relu, bias = true } = options;
  return widths.reduce((z, width, i) => {
    const isLast = i === widths.length - 1;
    const own = isLast ? last === "none" && bias : !norms;
    const y = dense(scope.at("Dense", i), z, width, { bias: own });
    const normalises = isLast ? last !== "none" : norms;
    const n = normalises
      ? batchNorm(scope.at("BatchNorm", i), y, { affine: !(isLast && last === "plain-norm") })
      : y;
    return isLast ? n : activation(n);
  }, x);
});

/** Options of {@link prototypeHead}. */
export interface PrototypeHeadOptions {
  readonly hidden: number;
  readonly bottleneck: number;
  readonly outputs: number;
}

/**
 * DINO's head: three dense layers with GELU, a vector of unit length, and its products with prototypes of unit length, whose
 * length is not learned. x [..., features] → [..., outputs].
 */
export const prototypeHead = layer((scope, x: Tensor, options: PrototypeHeadOptions): Tensor => {
  const { hidden, bottleneck, outputs } = options;
  const settings = { kernelInit: truncatedNormal(0.02) };
  const first = geluExact(dense(scope.at("Dense", 0), x, hidden, settings));
  const second = geluExact(dense(scope.at("Dense", 1), first, hidden, settings));
  const z = unitRows(dense(scope.at("Dense", 2), second, bottleneck, settings));
  const kernel = scope.param("prototypes/kernel", lecunNormal, [bottleneck, outputs]);
  const unit = mul(kernel, rsqrt(add(reduceSum(square(kernel), 0, { keepDims: true }), 1e-24)));
  return dotGeneral(z, unit, { lhsContract: [z.rank - 1], rhsContract: [0] });
});
