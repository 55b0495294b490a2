/** @file Evaluators by type, made from plain options. */

import type { z } from "zod";
import { CLASS_LOSSES } from "../losses/index.ts";
import { calibration, calibrationSchema } from "./calibration.ts";
import { classification, classificationEvalSchema } from "./classification.ts";
import { perClassRecall, perClassSchema } from "./confusion.ts";
import type { EvaluatedModel, Evaluator } from "./evaluator.ts";
import { fewShotOnFeatures, fewShotSchema } from "./few-shot.ts";
import { knnOnFeatures, knnSchema } from "./knn.ts";

/** An evaluator by type with its options, as in a configuration. */
export const evaluatorSchemas = [
  classificationEvalSchema,
  calibrationSchema,
  perClassSchema,
  fewShotSchema,
  knnSchema,
] as const;

/** An evaluator's configuration. */
export type EvaluatorConfig = z.infer<(typeof evaluatorSchemas)[number]>;

type Creators = {
  readonly [Type in EvaluatorConfig["type"]]: (
    options: Extract<EvaluatorConfig, { type: Type }>,
    model: EvaluatedModel,
  ) => Evaluator;
};

const CREATORS: Creators = {
  classification: (_, { loss }) => classification(CLASS_LOSSES[loss].xent),
  calibration,
  "per-class": perClassRecall,
  fewshot: fewShotOnFeatures,
  knn: knnOnFeatures,
};

/** The types that {@link createEvaluator} takes. */
export const evaluatorTypes = Object.keys(CREATORS) as readonly EvaluatorConfig["type"][];

/**
 * An evaluator for a model.
 *
 * @throws a configuration error where it does not suit the model
 * @example
 * createEvaluator({ type: "calibration", bins: 10 }, { classes: ["cat", "dog"], loss: "softmax" });
 */
export function createEvaluator(config: EvaluatorConfig, model: EvaluatedModel): Evaluator {
  const create = CREATORS[config.type] as (
    options: EvaluatorConfig,
    model: EvaluatedModel,
  ) => Evaluator;
  return create(config, model);
}
