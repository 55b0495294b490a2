/** @file Objectives: what a step minimises. */

export {
  type Batch,
  type BatchSpec,
  type LossInputs,
  type LossOutputs,
  type Objective,
} from "./objective.ts";
export {
  type ClassificationOptions,
  classification,
  classificationSchema,
} from "./classification.ts";
