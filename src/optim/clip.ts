/** @file Norms of gradients and clipping by them. */

import {
  type Tensor,
  add,
  div,
  less,
  maximum,
  mean,
  mul,
  reduceSum,
  scalar,
  select,
  sqrt,
  square,
} from "../graph/index.ts";
import { stackOf } from "./rules.ts";
import { type Named, type Transform, mapNamed, product, scaled, stateless } from "./transform.ts";

/** The square root of the sum of all squares. */
export function globalNorm(values: Named): Tensor {
  const sums = Object.values(values).map((value) => reduceSum(square(value)));
  return sqrt(sums.length === 0 ? scalar(0) : sums.reduce(add));
}

/** Scales all updates down together where their global norm exceeds `limit`. Pascanu et al. 2013, arXiv:1211.5063. */
export const clipByGlobalNorm = (limit: number): Transform =>
  stateless(({ values, scale }) => {
    const norm = scaled(globalNorm(values), scale);
    const factor = select(less(norm, limit), 1, div(limit, norm));
    return { values, scale: product(scale, factor) };
  });

/**
 * Scales the update of each parameter down where its root mean square exceeds `limit`; of layers that lie stacked, the
 * update of each layer.
 */
export const clipByBlockRms = (limit: number, stacked: readonly string[] = []): Transform =>
  stateless(({ values, scale }) => ({
    values: mapNamed(values, (value, name) => {
      const update = scaled(value, scale);
      const axes = value.shape.map((_, axis) => axis);
      const within = stackOf(name, stacked) === undefined ? axes : axes.slice(1);
      const rms = sqrt(mean(square(update), within, { keepDims: true }));
      return mul(update, div(1, maximum(div(rms, limit), 1)));
    }),
    scale: 1,
  }));
