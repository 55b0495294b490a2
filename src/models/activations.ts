/** @file The nonlinearities of feed-forward blocks by name. */

import { z } from "zod";
import { type Tensor, gelu, geluExact, logistic, mul } from "../graph/index.ts";

/** Forms of the GELU: with a tanh as in big_vision, exact as in timm, and x · σ(1.702 x) as in OpenAI's CLIP. */
export const ACTIVATIONS = {
  "gelu-tanh": gelu,
  gelu: geluExact,
  "quick-gelu": (x: Tensor): Tensor => mul(x, logistic(mul(x, 1.702))),
} as const;

/** A name of {@link ACTIVATIONS}. */
export type Activation = keyof typeof ACTIVATIONS;

/** The option that chooses one. */
export const activationKey = z.enum(Object.keys(ACTIVATIONS) as [Activation, ...Activation[]]);
