/** @file Evaluators by type. */

import { type ChoiceAmong, findDefinition } from "../define.ts";
import { OcelliError } from "../errors.ts";
import { calibration } from "./classification/calibration.ts";
import { classification } from "./classification/classification.ts";
import { clustersOfFeatures } from "./classification/clusters.ts";
import { perClassRecall } from "./classification/confusion.ts";
import { captionPerplexity, writtenCaptions } from "./captions.ts";
import type { EvaluatorDefinition } from "./define.ts";
import type { EvaluatedModel, Evaluator } from "./evaluator.ts";
import { fewShotOnFeatures } from "./classification/few-shot.ts";
import { knnOnFeatures } from "./classification/knn.ts";
import { retrievalOfPairs } from "./pairs.ts";
import { objectiveValues } from "./objective.ts";
import { zeroShotByNames } from "./classification/zero-shot.ts";
import { segmentation } from "./segmentation.ts";

const BUILT_IN = [
  classification,
  calibration,
  perClassRecall,
  fewShotOnFeatures,
  knnOnFeatures,
  clustersOfFeatures,
  objectiveValues,
  captionPerplexity,
  writtenCaptions,
  retrievalOfPairs,
  segmentation,
  zeroShotByNames,
] as const;

/** The evaluators that a configuration may name. */
export const EVALUATORS: EvaluatorDefinition[] = [...BUILT_IN] as unknown as EvaluatorDefinition[];

/** An evaluator's configuration. */
export type EvaluatorConfig = ChoiceAmong<"type", (typeof BUILT_IN)[number]>;

/**
 * An evaluator for a model.
 *
 * @throws a configuration error where there is no such type, or where it does not suit the model
 * @example
 * createEvaluator({ type: "calibration", bins: 10 }, { names: { label: ["cat", "dog"] }, task: { name: "classification" } });
 */
export function createEvaluator(
  { type, ...options }: { readonly type: string } & Readonly<Record<string, unknown>>,
  model: EvaluatedModel,
): Evaluator {
  const { schema, create } = findDefinition("evaluator", EVALUATORS, type);
  const { success, data, error } = schema.safeParse(options);
  if (success) return create(data, model);
  const [{ path, message }] = error.issues;
  throw new OcelliError("config", `${type}: ${path.join(".")}: ${message}.`);
}
