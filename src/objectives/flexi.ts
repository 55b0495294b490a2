/**
 * @file One set of weights trained at many patch sizes: each step draws how many patches lie along an image's sides.
 *
 * Paper: Beyer et al. 2023, "FlexiViT: One Model for All Patch Sizes", arXiv:2212.08013, Section 3.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { seededRandom } from "../preprocess/random.ts";
import type { Objective } from "./objective.ts";

/** Options of {@link flexi} in a configuration. */
export const flexiSchema = z.strictObject({
  /** Numbers of patches along each side of an image, one of which is drawn for each step. */
  seqhw: z.array(z.int().min(1)).min(1).readonly(),
  /** How often each is drawn, relative to the others; all alike unless given. */
  weights: z.array(z.number().min(0)).readonly().optional(),
});

/** Options of {@link flexi}. */
export type FlexiOptions = z.infer<typeof flexiSchema>;

/**
 * An objective that takes another form at each step, one for each number of patches. A step's form depends on the seed
 * and the step alone, so that a resumed training draws as one that was never stopped.
 *
 * @param make the objective whose model cuts images into seqhw × seqhw patches
 * @throws a configuration error where weights and numbers do not go together
 * @example
 * const model = flexivit({ variant: "S", numClasses: 1000 });
 * flexi((seqhw) => classification((scope, image) => model(scope, image, seqhw)), { seqhw: [8, 15, 30] }, 0);
 */
export function flexi(
  make: (seqhw: number) => Objective,
  { seqhw, weights = seqhw.map(() => 1) }: FlexiOptions,
  seed: number,
): Objective {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length !== seqhw.length || total <= 0) {
    const given = `[${weights.join(", ")}] for [${seqhw.join(", ")}]`;
    throw new OcelliError(
      "config",
      `objective.flexi takes a weight for each seqhw, one above 0; not ${given}.`,
    );
  }
  const forms = seqhw.map(make);
  const at = (step: number): Objective => {
    let place = seededRandom(seed, "seqhw", step).uniform() * total;
    return forms[weights.findIndex((weight) => (place -= weight) < 0)];
  };
  return { ...forms[0], at };
}
