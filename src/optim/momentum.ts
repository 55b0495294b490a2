/** @file Momentum: decayed sums and averages of updates. */

import { z } from "zod";
import { type DType, add } from "../graph/index.ts";
import { defineOptimizer, fraction, momentDtype } from "./define.ts";
import { accumulateAll, store, zeroMoments } from "./moments.ts";
import { type Named, type Transform, mapNamed, product, scaled } from "./transform.ts";

const momentumSchema = z.strictObject({
  /** The weight of the past. Default: 0.9. */
  momentum: fraction.optional(),
  /** Looks ahead by Nesterov's form. Default: false. */
  nesterov: z.boolean().optional(),
  /** The dtype in which the sum is stored. Default: "float32". */
  dtype: momentDtype.optional(),
});

/** Options of {@link trace}. */
export type MomentumOptions = Readonly<z.output<typeof momentumSchema>>;

type TraceState = { readonly trace: Named };

/**
 * The decayed sum t = g + momentum · t, or with Nesterov's look-ahead g + momentum · t after it.
 * Sutskever et al. 2013.
 */
export const trace = ({
  momentum = 0.9,
  nesterov = false,
  dtype = "float32",
}: MomentumOptions = {}): Transform<TraceState> => ({
  init: (params) => ({ trace: zeroMoments(params, dtype) }),
  update({ values, scale }, state) {
    const sums = accumulateAll(state.trace, momentum, values, scale);
    const ahead = (): Named =>
      mapNamed(values, (g, name) => add(scaled(g, scale), scaled(sums[name], momentum)));
    return {
      updates: { values: nesterov ? ahead() : sums, scale: 1 },
      state: { trace: store(sums, dtype) },
    };
  },
});

type EmaState = { readonly ema: Named };

/** The average e = (1 − decay) · g + decay · e, without correction for its start at zero. */
export const ema = (decay: number, dtype: DType = "float32"): Transform<EmaState> => ({
  init: (params) => ({ ema: zeroMoments(params, dtype) }),
  update({ values, scale }, state) {
    const averages = accumulateAll(state.ema, decay, values, product(scale, 1 - decay));
    return {
      updates: { values: averages, scale: 1 },
      state: { ema: store(averages, dtype) },
    };
  },
});

/** Momentum in a configuration. */
export const momentum = defineOptimizer({
  name: "momentum",
  schema: momentumSchema,
  create: trace,
});
