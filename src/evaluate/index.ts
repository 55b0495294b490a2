/** @file Evaluators: each gives [name, value] pairs. */

export { calibration, calibrationError } from "./classification/calibration.ts";
export { classification } from "./classification/classification.ts";
export {
  type ClassQuality,
  confusion,
  perClass,
  perClassValues,
} from "./classification/confusion.ts";
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
  COUNTS,
  JUDGED,
  OBJECTIVE,
} from "./evaluator.ts";
export type { LabelledFeatures } from "./classification/labelled.ts";
export { fewShot } from "./classification/few-shot.ts";
export { knn } from "./classification/knn.ts";
export { type ClusterOptions, clusterValues } from "./classification/clusters.ts";
export { EVALUATORS, type EvaluatorConfig, createEvaluator } from "./registry.ts";
export { type PairedEmbeddings, retrieval } from "./retrieval.ts";
export { type PixelCounts, overlapValues } from "./segmentation.ts";
export {
  type ClassPrompts,
  PROMPT_TEMPLATES,
  type PromptOptions,
  type PromptTemplates,
  classPrompts,
  templatesOf,
} from "./classification/prompts.ts";
export { classEmbeddings, zeroShot } from "./classification/zero-shot.ts";
export { canonicalName } from "../text/canonical.ts";
