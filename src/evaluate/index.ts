/** @file Evaluators: each gives [name, value] pairs. */

export { calibration, calibrationError } from "./calibration.ts";
export { classification } from "./classification.ts";
export { type ClassQuality, confusion, perClass, perClassValues } from "./confusion.ts";
export type {
  Evaluated,
  EvaluatedModel,
  Evaluator,
  Gathered,
  Known,
  Measured,
} from "./evaluator.ts";
export type { LabelledFeatures, NamedValues } from "./features.ts";
export { fewShot } from "./few-shot.ts";
export { knn } from "./knn.ts";
export {
  type EvaluatorConfig,
  createEvaluator,
  evaluatorSchemas,
  evaluatorTypes,
} from "./registry.ts";
export { type PairedEmbeddings, retrieval } from "./retrieval.ts";
export { canonicalName, classEmbeddings, zeroShot } from "./zero-shot.ts";
