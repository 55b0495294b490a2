/** @file Objectives by name. */

import { type OptionsOf, findDefinition } from "../define.ts";
import { classificationObjective } from "./classification.ts";
import type { ObjectiveDefinition } from "./define.ts";
import { distillationObjective } from "./distillation.ts";
import { segmentationObjective } from "./segmentation.ts";

const BUILT_IN = [classificationObjective, distillationObjective, segmentationObjective] as const;

/** The objectives that a configuration may name. */
export const OBJECTIVES: ObjectiveDefinition[] = [...BUILT_IN] as unknown as ObjectiveDefinition[];

type Choice<D> =
  D extends ObjectiveDefinition<infer Name, infer Schema>
    ? { readonly name: Name } & OptionsOf<Schema>
    : never;

/** An objective by name with its options. */
export type ObjectiveConfig = Choice<(typeof BUILT_IN)[number]>;

/** The definition of an objective, with the nearest names where there is none. */
export const objectiveDefinition = (name: string): ObjectiveDefinition =>
  findDefinition("objective", OBJECTIVES, name);
