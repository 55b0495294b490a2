/** @file Lion. */

import { z } from "zod";
import { sign } from "../graph/index.ts";
import { defineOptimizer, fraction, momentDtype } from "./define.ts";
import { accumulateAll, store, zeroMoments } from "./moments.ts";
import { type Named, type Transform, mapNamed, product } from "./transform.ts";

const lionSchema = z.strictObject({
  /** The weight of the past in the direction. Default: 0.9. */
  b1: fraction.optional(),
  /** The weight of the past in the moment. Default: 0.99. */
  b2: fraction.optional(),
  /** The dtype in which the moment is stored. Default: "float32". */
  muDtype: momentDtype.optional(),
});

/** Options of {@link scaleByLion}. */
export type LionOptions = Readonly<z.output<typeof lionSchema>>;

type LionState = { readonly mu: Named };

/** The sign of a mixture of moment and gradient. Chen et al. 2023, arXiv:2302.06675. */
export const scaleByLion = ({
  b1 = 0.9,
  b2 = 0.99,
  muDtype = "float32",
}: LionOptions = {}): Transform<LionState> => ({
  init: (params) => ({ mu: zeroMoments(params, muDtype) }),
  update({ values, scale }, state) {
    const mixed = accumulateAll(state.mu, b1, values, product(scale, 1 - b1));
    const mu = accumulateAll(state.mu, b2, values, product(scale, 1 - b2));
    return {
      updates: { values: mapNamed(mixed, sign), scale: 1 },
      state: { mu: store(mu, muDtype) },
    };
  },
});

/** Lion in a configuration. */
export const lion = defineOptimizer({ name: "lion", schema: lionSchema, create: scaleByLion });
