/** @file Lion. */

import { type DType, sign } from "../graph/index.ts";
import { accumulateAll, store, zeroMoments } from "./moments.ts";
import { type Named, type Transform, mapNamed, product } from "./transform.ts";

/** Options of {@link scaleByLion}. */
export interface LionOptions {
  /** The weight of the past in the direction. */
  readonly b1?: number;
  /** The weight of the past in the moment. */
  readonly b2?: number;
  /** The dtype in which the moment is stored. */
  readonly muDtype?: DType;
}

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
