/** @file Objectives: what a step minimises. */

export {
  type AfterUpdate,
  type Batch,
  type BatchSpec,
  type LossInputs,
  type LossOutputs,
  type Objective,
  type ObjectiveArrays,
  objectiveAt,
  objectiveInForms,
} from "./objective.ts";
export {
  type ObjectiveDefinition,
  type ObjectiveGiven,
  type TeacherChoice,
  defineObjective,
} from "./define.ts";
export { type ClassificationOptions, classification } from "./classification/classification.ts";
export { type DistillationOptions, distillation } from "./classification/distillation.ts";
export { type CaptioningOptions, captioning } from "./captioning.ts";
export { type ContrastiveOptions, contrastive } from "./contrastive.ts";
export { rotation, rotations } from "./rotation.ts";
export { segmentation } from "./segmentation.ts";
export type { Teacher } from "./teacher.ts";
export { OBJECTIVES, type ObjectiveConfig, objectiveDefinition } from "./registry.ts";
