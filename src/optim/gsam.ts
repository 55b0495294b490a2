/**
 * @file Sharpness-aware minimisation with the surrogate gap: a second gradient, taken a small way uphill.
 *
 * Paper: Zhuang et al. 2022, "Surrogate Gap Minimization Improves Sharpness-Aware Training", arXiv:2203.08065, algorithm 1,
 * with ρ following the learning rate as in section 3.2. With α 0 it is SAM (Foret et al. 2021, arXiv:2010.01412).
 */

import { z } from "zod";
import { type Tensor, abs, add, div, mul, reduceSum, scalar, sub } from "../graph/index.ts";
import { globalNorm } from "./clip.ts";
import { type Named, mapNamed, scaled } from "./transform.ts";

/** GSAM in an optimiser's configuration. */
export const gsamSchema = z.strictObject({
  /** How far uphill the second gradient is taken while the learning rate is `lr`. */
  rhoMax: z.number().positive(),
  /** The same while it is `lrMin`; in between it is linear in the learning rate. Default: rhoMax. */
  rhoMin: z.number().min(0).optional(),
  /** How much of the surrogate gap's gradient is taken off. Default: 0, plain SAM. */
  alpha: z.number().min(0).optional(),
  /** The smallest learning rate, for `rhoMin`. Default: 0. */
  lrMin: z.number().min(0).optional(),
  /** Whether the way of each parameter is multiplied by its absolute value. Default: false. */
  adaptive: z.boolean().optional(),
});

/** Options of {@link gsam}. */
export type GsamOptions = z.output<typeof gsamSchema>;

/** How an optimiser uses a second gradient of the same batch, at another point. */
export interface SecondGradient {
  /** The trainable parameters at which it is taken; `rate` is the learning rate, a float32 scalar. */
  at(params: Named, grads: Named, rate: Tensor): Named;
  /** The gradient to update by. */
  combine(first: Named, second: Named): Named;
}

/** Keeps quotients finite where a gradient is zero. */
const EPSILON = 1e-12;

/**
 * The second gradient of GSAM: at w + ρ g / ‖g‖, from which α times the part of the first gradient that is orthogonal to
 * it is taken off.
 *
 * @param lr the largest learning rate
 */
export function gsam(
  { rhoMax, rhoMin = rhoMax, alpha = 0, lrMin = 0, adaptive = false }: GsamOptions,
  lr: number,
): SecondGradient {
  const slope = lr > lrMin ? (rhoMax - rhoMin) / (lr - lrMin) : 0;
  const rhoAt = (rate: Tensor): Tensor =>
    slope === 0 ? scalar(rhoMax) : add(mul(sub(rate, lrMin), slope), rhoMin);
  return {
    at(params, grads, rate) {
      const way = div(rhoAt(rate), add(globalNorm(grads), EPSILON));
      return mapNamed(params, (param, name) => {
        const step = scaled(grads[name], way);
        return add(param, adaptive ? mul(abs(param), step) : step);
      });
    },
    combine(first, second) {
      if (alpha === 0) return second;
      const norm = globalNorm(second);
      const along = div(dotOf(first, second), add(mul(norm, norm), EPSILON));
      return mapNamed(second, (robust, name) => {
        const residual = sub(first[name], scaled(robust, along));
        return sub(robust, mul(residual, alpha));
      });
    },
  };
}

/** The inner product of two sets of tensors. */
const dotOf = (a: Named, b: Named): Tensor =>
  Object.keys(a)
    .map((name) => reduceSum(mul(a[name], b[name])))
    .reduce(add);
