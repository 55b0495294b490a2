/** @file The objective of a training: from its configuration to something that computes, a teacher loaded with it. */

import { OcelliError } from "../../errors.ts";
import type { HostArray, Spec } from "../../graph/index.ts";
import {
  type ImageModel,
  type ModelConfig,
  createModel,
  positionGrid,
} from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import {
  type BatchSpec,
  type Objective,
  type Teacher,
  classification,
  distillation,
  flexi,
  teacherView,
} from "../../objectives/index.ts";
import { runCheckpoint } from "../../runs/run.ts";
import { fromFlat } from "../../tree.ts";
import type { ModelCard } from "../../weights/model-card.ts";
import { readCheckpointFile } from "../../weights/checkpoint-file.ts";
import { fitWeights, loadWeights } from "../../weights/index.ts";
import type { Config } from "../../config/config.ts";
import type { Telling } from "./initial.ts";
import { fitted, modelOf } from "../../served/checkpoint-model.ts";

/** What is known when an objective is made, and whom to tell. */
interface Given extends Telling {
  readonly batch: BatchSpec;
  readonly classes: readonly string[];
  /** How much each class weighs in the loss; all the same where undefined. */
  readonly classWeights?: readonly number[];
}

/** A model, or that model with so many patches along each side; `key` is what asked for them, for an error. */
export type ModelAt = (seqhw?: number, key?: string) => ImageModel;

/** The loss that says how a model's logits become probabilities. */
export const lossOf = (objective: Config["objective"]): ModelCard["loss"] =>
  objective.name === "classification" ? (objective.loss ?? "softmax") : "softmax";

/** The model of a card at its own patch size and at others. */
export function flexibleModel(card: Omit<ModelCard, "step">): ModelAt {
  const { model } = card;
  const own = modelOf({ ...card, step: 0 });
  return (seqhw, key) => {
    if (seqhw === undefined) return own;
    if (model.name === "flexivit") return modelOf({ ...card, step: 0, model: { ...model, seqhw } });
    throw new OcelliError("config", `${key} needs the model flexivit, not ${model.name}.`);
  };
}

/**
 * The objective of a configuration.
 *
 * @throws configuration errors where objective and model do not go together; those of reading a teacher
 */
export async function planObjective(
  { objective: config, seed }: Pick<Config, "objective" | "seed">,
  modelAt: ModelAt,
  given: Given,
): Promise<Objective> {
  const make = await makerOf(config, given);
  if (!config.flexi) return make(modelAt());
  const at = (seqhw: number): Objective => {
    const model = modelAt(seqhw, "objective.flexi");
    modelSpecs(model, given.batch.image); // an error where images have no such grid
    return make(model);
  };
  return flexi(at, config.flexi, seed);
}

/** How an objective is made for a model. */
async function makerOf(
  config: Config["objective"],
  given: Given,
): Promise<(model: ImageModel) => Objective> {
  if (config.name === "classification") {
    const { name: _, flexi: __, ...options } = config;
    return (model) => classification(model, options, given.classWeights);
  }
  if (given.classWeights) {
    throw new OcelliError("config", `balance "loss" is for the objective classification.`, {
      hint: 'Take balance "sampling".',
    });
  }
  const { name: _, flexi: __, teacher: from, ...options } = config;
  const { teacherImage: view = "image" } = options;
  const seen = teacherView(given.batch, view);
  if (seen.dtype !== "float32") {
    throw new OcelliError(
      "config",
      `objective.teacherImage: the pixels of ${view} are not scaled.`,
      {
        hint: `Add an operation such as value_range(-1,1, key=${view}) to preprocess.train.`,
      },
    );
  }
  const teacher = await loadTeacher(from, seen, given);
  return (model) => distillation(model, teacher, options);
}

/** A teacher, of a run or of published weights, that knows the classes of the data. */
async function loadTeacher(
  from: string | { readonly model: ModelConfig; readonly weights: string },
  image: Spec,
  given: Given,
): Promise<Teacher> {
  if (typeof from !== "string") return publishedTeacher(from, image, given);
  const { classes } = given;
  const checkpoint = readCheckpointFile(runCheckpoint(from), from);
  const known = checkpoint.card.classes;
  if (String(known) !== String(classes)) {
    const other = classes.find((name, i) => name !== known[i]) ?? known[classes.length];
    throw new OcelliError(
      "config",
      `the teacher ${from} knows other classes than the data, or in another order: "${other}".`,
    );
  }
  const card = { ...checkpoint.card, imageShape: image.shape.slice(1) };
  const model = modelOf(card);
  return { model, arrays: fitted(from, model, { ...checkpoint, card }) };
}

async function publishedTeacher(
  {
    model: { name, ...options },
    weights,
  }: { readonly model: ModelConfig; readonly weights: string },
  image: Spec,
  { classes, ...telling }: Given,
): Promise<Teacher> {
  const model = createModel(name, { ...options, numClasses: classes.length });
  const { arrays } = await loadWeights(weights, telling);
  const grid = positionGrid({ name, ...options }, image.shape.slice(1));
  const { params, variables, resized } = fitWeights(weights, arrays, modelSpecs(model, image), {
    grid,
  });
  for (const line of resized) telling.note(`${weights}: resized ${line}`);
  return { model, arrays: { params: fromFlat<HostArray>(params), variables: fromFlat(variables) } };
}
