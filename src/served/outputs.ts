/** @file A trained model on the host, and what it computes of a batch. */

import type { HostArray, Spec, Tensor } from "../graph/index.ts";
import type { FieldModel, GenerationOptions, ImageModel } from "../models/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import type { Batch } from "../objectives/index.ts";
import { type Outputs, type Task, type TaskModel, wholeModel } from "../tasks/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";

/** A model with its trained arrays, and the task that it is for. */
export interface TrainedModel extends Checkpoint {
  readonly model: ImageModel;
  readonly task: Task;
}

/** Arrays of a model as tensors. */
export interface ModelTensors {
  readonly params: Parameters<typeof apply>[1]["params"];
  readonly variables?: Parameters<typeof apply>[1]["variables"];
}

/**
 * What a model computes in evaluation of a batch, `image` [batch, height, width, channels] and what else it takes, with
 * intermediate values by name. Where the batch has only some of its fields, such as images without texts or texts
 * without images, only what reads them is computed.
 */
export function outputsOf(task: TaskModel, arrays: ModelTensors, batch: Batch): Outputs {
  const model = wholeModel(task);
  const taken = ["image", ...Object.keys(task.whole?.inputs ?? {})];
  const isPart = taken.some((name) => !Object.hasOwn(batch, name));
  const used = isPart ? partOf(model, arrays, batch as Record<string, Tensor>) : arrays;
  const [output, out] = apply(model, used, batch).result;
  const { write } = task;
  return {
    ...{ output, out: toFlat<Tensor>(out) },
    ...(write && {
      write: (options?: GenerationOptions) => apply(write, arrays, batch, options).result,
    }),
  };
}

/**
 * The arrays of a task's model that it reads for some of its fields.
 *
 * @param fields a batch of them
 */
export const arraysFor = <T extends Tensor | HostArray>(
  task: TaskModel,
  arrays: Arrays<T>,
  fields: Readonly<Record<string, Spec>>,
): Required<Arrays<T>> => partOf(wholeModel(task), arrays, fields);

interface Arrays<T> {
  readonly params: Tree<T>;
  readonly variables?: Tree<T>;
}

/** The arrays of a model that it reads for the fields of a batch. */
function partOf<T extends Tensor | HostArray>(
  model: FieldModel,
  { params, variables = {} }: Arrays<T>,
  batch: Readonly<Record<string, Spec | Tensor>>,
): Required<Arrays<T>> {
  const specs = modelSpecs(model, batch);
  const read = (all: Tree<T>, some: Tree<Spec>): Tree<T> => {
    const flat = toFlat<T>(all);
    const names = Object.keys(toFlat<Spec>(some)).filter((name) => Object.hasOwn(flat, name));
    return fromFlat<T>(Object.fromEntries(names.map((name) => [name, flat[name]])));
  };
  return { params: read(params, specs.params), variables: read(variables, specs.variables) };
}
