/** @file Adam. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { type Tensor, add, div, mul, sqrt, square } from "../graph/index.ts";
import { defineOptimizer, fraction, momentDtype } from "./define.ts";
import { accumulate, accumulateAll, biasCorrection, store, zeroMoments } from "./moments.ts";
import { type Named, type Transform, mapNamed, product, scaled } from "./transform.ts";

const adamKeys = {
  /** The share of the past in the first moment. Default: 0.9. */
  b1: fraction.optional(),
  /** The share of the past in the second moment. Default: 0.999. */
  b2: fraction.optional(),
  /** Added to the root of the second moment. Default: 1e-8. */
  eps: z.number().min(0).optional(),
  /** Added inside of the square root. Default: 0. */
  epsRoot: z.number().min(0).optional(),
  /** The dtype in which the first moment is stored. Default: "float32". */
  muDtype: momentDtype.optional(),
  /** Looks ahead by Nesterov's form, as NAdam does. Default: false. */
  nesterov: z.boolean().optional(),
};

/** Options of {@link scaleByAdam}. */
export type AdamOptions = Readonly<z.output<z.ZodObject<typeof adamKeys>>>;

type AdamState = { readonly mu: Named; readonly nu: Named };

/**
 * The first moment over the root of the second, both corrected for their start at zero.
 * The corrections are scalars, so they ride on the updates' common factor:
 * (m / c₁) / (√(v / c₂ + εᵣ) + ε) = (√c₂ / c₁) · m / (√(v + εᵣ c₂) + ε √c₂).
 * Kingma & Ba 2015, arXiv:1412.6980; the Nesterov form is Dozat 2016.
 */
export const scaleByAdam = ({
  b1 = 0.9,
  b2 = 0.999,
  eps = 1e-8,
  epsRoot = 0,
  muDtype = "float32",
  nesterov = false,
}: AdamOptions = {}): Transform<AdamState> => ({
  init: (params) => ({ mu: zeroMoments(params, muDtype), nu: zeroMoments(params) }),
  update({ values, scale }, state, _params, { step }) {
    const mu = accumulateAll(state.mu, b1, values, product(scale, 1 - b1));
    const squares = mapNamed(values, square);
    const nu = accumulateAll(state.nu, b2, squares, product(product(scale, scale), 1 - b2));
    const c2 = biasCorrection(b2, step);
    const root = sqrt(c2);
    const denominator = (v: Tensor): Tensor => {
      const inside = epsRoot === 0 ? v : add(v, scaled(c2, epsRoot));
      return add(sqrt(inside), scaled(root, eps));
    };
    const c1 = biasCorrection(b1, step, nesterov ? 1 : 0);
    const ahead = product(scale, mul(div(c1, biasCorrection(b1, step)), 1 - b1));
    const direction = (m: Tensor, name: string): Tensor =>
      nesterov ? accumulate(m, b1, values[name], ahead) : m;
    return {
      updates: {
        values: mapNamed(mu, (m, name) => div(direction(m, name), denominator(nu[name]))),
        scale: div(root, c1),
      },
      state: { mu: store(mu, muDtype), nu },
    };
  },
});

/** Adam in a configuration. */
export const adam = defineOptimizer({
  name: "adam",
  schema: z.strictObject(adamKeys),
  create: scaleByAdam,
});

/** AdamW in a configuration. */
export const adamw = defineOptimizer({
  name: "adamw",
  schema: z.strictObject({
    ...adamKeys,
    /** As usual for AdamW, multiplied by `lr` and the schedule; instead of `wd`. Default: 0. */
    weightDecay: z.number().min(0).optional(),
  }),
  create: scaleByAdam,
  decay({ lr, wd, weightDecay }) {
    if (weightDecay === undefined) return wd ?? 0;
    if (wd === undefined) return lr * weightDecay;
    throw new OcelliError("config", "adamw takes either weightDecay or wd (= lr · weightDecay).");
  },
});
