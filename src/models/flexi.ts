/**
 * @file Patch sizes drawn for the steps of a training, so that one set of weights serves many.
 *
 * Paper: Beyer et al. 2023, "FlexiViT: One Model for All Patch Sizes", arXiv:2212.08013, Section 3.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import type { ModelForms } from "./define.ts";
import { seededRandom } from "../random.ts";

/** Options of {@link drawnSizes} in a configuration. */
export const flexiSchema = z.strictObject({
  /** Numbers of patches along each side of an image, one of which is drawn for each step. */
  seqhw: z.array(z.int().min(1)).min(1).readonly(),
  /** How often each is drawn, relative to the others. Default: all alike. */
  weights: z.array(z.number().min(0)).readonly().optional(),
});

/** Options of {@link drawnSizes}. */
export type FlexiOptions = z.infer<typeof flexiSchema>;

/**
 * Forms of a model with so many patches along each side of an image, and which one a step takes. It depends on the seed
 * and the step alone, so that a resumed training draws as one that was never stopped.
 *
 * @throws a configuration error where weights and numbers do not go together
 */
export function drawnSizes(
  { seqhw, weights = seqhw.map(() => 1) }: FlexiOptions,
  seed: number,
): ModelForms {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length !== seqhw.length || total <= 0) {
    const given = `[${weights.join(", ")}] for [${seqhw.join(", ")}]`;
    throw new OcelliError(
      "config",
      `model.flexi takes a weight for each seqhw, one above 0; not ${given}.`,
    );
  }
  return {
    forms: seqhw.map((count) => ({ seqhw: count })),
    at(step) {
      let place = seededRandom(seed, "seqhw", step).uniform() * total;
      return weights.findIndex((weight) => (place -= weight) < 0);
    },
  };
}
