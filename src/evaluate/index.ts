/** @file Evaluators: each gives [name, value] pairs. */

export { calibration, calibrationError } from "./calibration.ts";
export { classification } from "./classification.ts";
export { type ClassQuality, confusion, perClass, perClassValues } from "./confusion.ts";
export { type EvaluatorDefinition, defineEvaluator } from "./define.ts";
export {
  type Evaluated,
  type EvaluatedModel,
  type Evaluator,
  type Gathered,
  type Measured,
  type NamedValues,
  type Stream,
  type StreamRequest,
  JUDGED,
  OBJECTIVE,
} from "./evaluator.ts";
export type { LabelledFeatures } from "./features.ts";
export { fewShot } from "./few-shot.ts";
export { knn } from "./knn.ts";
export { EVALUATORS, type EvaluatorConfig, createEvaluator } from "./registry.ts";
export { type PairedEmbeddings, retrieval } from "./retrieval.ts";
export { type PixelCounts, overlapValues } from "./segmentation.ts";
export { canonicalName } from "../text/canonical.ts";
export { classEmbeddings, zeroShot } from "./zero-shot.ts";
