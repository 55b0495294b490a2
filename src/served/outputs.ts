/** @file A trained model on the host, and what it computes of a batch. */

import { type Spec, type Tensor } from "../graph/index.ts";
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
