/** @file Trained models on the host: of a run, of a checkpoint, or weights that somebody published. */

import { use } from "../config/use.ts";
import type { HostArray, Spec, Tensor } from "../graph/index.ts";
import {
  type FieldModel,
  type GenerationOptions,
  type ImageModel,
  type ModelCard,
  positionGrid,
} from "../models/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import type { Batch } from "../objectives/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import {
  type Outputs,
  type Task,
  type TaskModel,
  inputSpecs,
  taskOf,
  wholeModel,
} from "../tasks/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import { fitWeights } from "../weights/index.ts";
import { matchArrays } from "../weights/match.ts";
import { type NamesOptions, publishedTask } from "./classification/published-names.ts";
import { useRunFiles } from "./modules.ts";
import { findOwn, openOwn } from "./own.ts";
import { type PublishedOptions, imageShapeOf, readPublished } from "./published.ts";

/** A model with its trained arrays, and the task that it is for. */
export interface TrainedModel extends Checkpoint {
  readonly model: ImageModel;
  readonly task: Task;
}

/** Options of {@link openTrained}. */
export interface TrainedOptions extends PublishedOptions, NamesOptions {}

/**
 * The trained model that a name means: a run or its checkpoint, a model with published weights, or whatever
 * `loadWeights` takes. Published weights without a classifier are of the task `features`.
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
  const { model, text, weights, arrays, names } = await readPublished(spec, options);
  const preprocessing = parsePreprocessing(text);
  const imageShape = imageShapeOf(preprocessing);
  const card: ModelCard = {
    model,
    ...(await publishedTask(arrays, names, options)),
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

/** Arrays of a model as tensors. */
export interface ModelTensors {
  readonly params: Parameters<typeof apply>[1]["params"];
  readonly variables?: Parameters<typeof apply>[1]["variables"];
}

/**
 * What a model computes in evaluation of a batch, `image` [batch, height, width, channels] and what else it takes, with
 * intermediate values by name. Where the batch has only some of its fields, such as images without texts, only what
 * reads them is computed.
 */
export function outputsOf(task: TaskModel, arrays: ModelTensors, batch: Batch): Outputs {
  const model = wholeModel(task);
  const isPart = Object.keys(task.whole?.inputs ?? {}).some((name) => !Object.hasOwn(batch, name));
  const [output, out] = apply(model, isPart ? partOf(model, arrays, batch) : arrays, batch).result;
  const { write } = task;
  return {
    ...{ output, out: toFlat<Tensor>(out) },
    ...(write && {
      write: (options?: GenerationOptions) => apply(write, arrays, batch, options).result,
    }),
  };
}

/** The arrays of a model that it reads for the fields of a batch. */
function partOf(model: FieldModel, { params, variables = {} }: ModelTensors, batch: Batch) {
  const specs = modelSpecs(model, batch as Record<string, Tensor>);
  const read = (all: Tree<Tensor>, some: Tree<Spec>): Tree<Tensor> => {
    const flat = toFlat<Tensor>(all);
    const names = Object.keys(toFlat<Spec>(some)).filter((name) => Object.hasOwn(flat, name));
    return fromFlat<Tensor>(Object.fromEntries(names.map((name) => [name, flat[name]])));
  };
  return { params: read(params, specs.params), variables: read(variables, specs.variables) };
}
