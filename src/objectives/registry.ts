/** @file Objectives by name. */

import { type ChoiceAmong, findDefinition } from "../define.ts";
import { captioningObjective } from "./captioning.ts";
import { classificationObjective } from "./classification/classification.ts";
import { contrastiveObjective } from "./contrastive.ts";
import type { ObjectiveDefinition } from "./define.ts";
import { distillationObjective } from "./classification/distillation.ts";
import { randomLabelsObjective } from "./classification/random-labels.ts";
import { rotationObjective } from "./rotation.ts";
import { segmentationObjective } from "./segmentation.ts";
import { SEMI_SUPERVISED } from "./semi-supervised/index.ts";
import { SELF_SUPERVISED } from "./self-supervised/index.ts";

const BUILT_IN = [
  captioningObjective,
  classificationObjective,
  contrastiveObjective,
  distillationObjective,
  randomLabelsObjective,
  rotationObjective,
  segmentationObjective,
  ...SELF_SUPERVISED,
  ...SEMI_SUPERVISED,
] as const;

/** The objectives that a configuration may name. */
export const OBJECTIVES: ObjectiveDefinition[] = [...BUILT_IN] as unknown as ObjectiveDefinition[];

/** An objective by name with its options. */
export type ObjectiveConfig = ChoiceAmong<"name", (typeof BUILT_IN)[number]>;

/** The definition of an objective, with the nearest names where there is none. */
export const objectiveDefinition = (name: string): ObjectiveDefinition =>
  findDefinition("objective", OBJECTIVES, name);
