/** @file Objectives: what a step minimises. */

export {
  type Batch,
  type BatchSpec,
  type LossInputs,
  type LossOutputs,
  type Objective,
  objectiveAt,
} from "./objective.ts";
export {
  type ClassificationOptions,
  classification,
  classificationSchema,
} from "./classification.ts";
export {
  type DistillationOptions,
  type Teacher,
  distillation,
  distillationSchema,
  teacherView,
} from "./distillation.ts";
export { type FlexiOptions, flexi, flexiSchema } from "./flexi.ts";
