/** @file Evaluators by type. */

import { type OptionsOf, findDefinition } from "../define.ts";
import { calibration } from "./calibration.ts";
import { classification } from "./classification.ts";
import { perClassRecall } from "./confusion.ts";
import type { EvaluatorDefinition } from "./define.ts";
import type { EvaluatedModel, Evaluator } from "./evaluator.ts";
import { fewShotOnFeatures } from "./few-shot.ts";
import { knnOnFeatures } from "./knn.ts";
import { segmentation } from "./segmentation.ts";

const BUILT_IN = [
  classification,
  calibration,
  perClassRecall,
  fewShotOnFeatures,
  knnOnFeatures,
  segmentation,
] as const;

/** The evaluators that a configuration may name. */
export const EVALUATORS: EvaluatorDefinition[] = [...BUILT_IN] as unknown as EvaluatorDefinition[];

type Config<D> =
  D extends EvaluatorDefinition<infer Name, infer Schema>
    ? { readonly type: Name } & OptionsOf<Schema>
    : never;

/** An evaluator's configuration. */
export type EvaluatorConfig = Config<(typeof BUILT_IN)[number]>;

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
  return findDefinition("evaluator", EVALUATORS, type).create(options, model);
}
