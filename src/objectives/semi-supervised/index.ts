/** @file Classifiers that learn from labelled and unlabelled images. */

import { adversarialObjective } from "./adversarial.ts";
import { entropyObjective } from "./entropy.ts";
import { s4lExemplarObjective } from "./exemplar.ts";
import { pseudoLabelsObjective } from "./pseudo-labels.ts";
import { s4lRotationObjective } from "./rotation.ts";

/** Objectives of two streams. */
export const SEMI_SUPERVISED = [
  s4lRotationObjective,
  s4lExemplarObjective,
  adversarialObjective,
  entropyObjective,
  pseudoLabelsObjective,
] as const;
