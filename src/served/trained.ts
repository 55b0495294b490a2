/** @file Trained models on the host: of a run, of a checkpoint, or weights that somebody published. */

import { use } from "../config/use.ts";
import type { HostArray, Spec } from "../graph/index.ts";
import { type ModelCard, positionGrid } from "../models/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { type TaskModel, inputSpecs, taskOf, wholeModel } from "../tasks/index.ts";
import { fromFlat, toFlat } from "../tree.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import { fitWeights } from "../weights/index.ts";
import { matchArrays } from "../weights/match.ts";
import { type NamesOptions, publishedTask } from "./classification/published-names.ts";
import { useRunFiles } from "./modules.ts";
import type { TrainedModel } from "./outputs.ts";
import { findOwn, openOwn } from "./own.ts";
import { type PublishedOptions, imageShapeOf, readPublished } from "./published.ts";
import { readPublishedTowers } from "./published-towers.ts";

/** Options of {@link openTrained}. */
export interface TrainedOptions extends PublishedOptions, NamesOptions {}

/**
 * The trained model that a name means: a run or its checkpoint, a model with published weights, or whatever
 * `loadWeights` takes. Published SigLIP, SigLIP 2 and CLIP are of the task `contrastive`, other published weights without a
 * classifier of the task `features`.
 *
 * @throws a data error where there is nothing; an argument error where weights do not say which model they are of
 */
export async function openTrained(
  spec: string,
  options: TrainedOptions = {},
): Promise<TrainedModel> {
  use(options.use ?? []);
  await useRunFiles(spec);
  const own = options.architecture === undefined ? await findOwn(spec, options.report) : undefined;
  if (own) {
    const { preprocessing = own.card.preprocessing } = options;
    return asTrained(spec, { ...own, card: { ...own.card, preprocessing } });
  }
  const published =
    (await readPublishedTowers(spec, options)) ?? (await readPublished(spec, options));
  const { model, text, weights, arrays } = published;
  const preprocessing = parsePreprocessing(text);
  const imageShape = imageShapeOf(preprocessing);
  const card: ModelCard = {
    model,
    ...("task" in published
      ? { task: published.task, names: {} }
      : await publishedTask(arrays, published, options)),
    preprocessing: preprocessing.text,
    imageShape,
    step: 0,
  };
  const task = taskOf(card);
  const specs = modelSpecs(wholeModel(task), inputSpecs(task, card));
  const grid = positionGrid(model, imageShape);
  const { params, variables, resized } = fitWeights(weights, arrays, specs, { grid });
  for (const line of resized) options.report?.(`resized ${line}`);
  return {
    card,
    task,
    model: task.model,
    params: fromFlat<HostArray>(params),
    variables: fromFlat<HostArray>(variables),
  };
}

/** A batch of one image of a card. */
export const imageSpec = ({ imageShape }: Pick<ModelCard, "imageShape">): Spec => ({
  shape: [1, ...imageShape],
  dtype: "float32",
});

/**
 * Loads the trained model of a run folder or of a checkpoint's path.
 *
 * @throws a data error when there is none; a shape error that lists both sides when it does not fit its own model
 */
export async function loadTrained(path: string): Promise<TrainedModel> {
  await useRunFiles(path);
  return asTrained(path, await openOwn(path));
}

function asTrained(path: string, checkpoint: Checkpoint): TrainedModel {
  const task = taskOf(checkpoint.card);
  return { ...checkpoint, ...fitted(path, task, checkpoint), task, model: task.model };
}

/** A checkpoint's arrays by flat name, with the grid of their positions: what `fitWeights` takes to another size. */
export const arraysOf = ({ params, variables, card: { model, imageShape } }: Checkpoint) => ({
  arrays: { ...toFlat<HostArray>(params), ...toFlat<HostArray>(variables) },
  givenGrid: positionGrid(model, imageShape),
});

/** A checkpoint's arrays under exactly a model's names; an error lists both sides where they differ. */
export function fitted(
  what: string,
  task: TaskModel,
  { params, variables, card }: Checkpoint,
): Pick<Checkpoint, "params" | "variables"> {
  const specs = modelSpecs(wholeModel(task), inputSpecs(task, card));
  return {
    params: fromFlat(matchArrays(what, toFlat<Spec>(specs.params), toFlat<HostArray>(params))),
    variables: fromFlat(
      matchArrays(what, toFlat<Spec>(specs.variables), toFlat<HostArray>(variables)),
    ),
  };
}
