/** @file Trained models: from a run's checkpoint back to something that computes. */

import { OcelliError } from "../errors.ts";
import type { HostArray, Tensor } from "../graph/index.ts";
import { type ImageModel, createModel, positionGrid } from "../models/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { findCheckpoint, runCheckpoint } from "../runs/run.ts";
import { fromFlat, toFlat } from "../tree.ts";
import type { Spec } from "../graph/tensor.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import type { ModelCard } from "../weights/model-card.ts";
import { readCheckpointFile } from "../weights/checkpoint-file.ts";
import { matchArrays } from "../weights/match.ts";

/** A model with its trained arrays. */
export interface TrainedModel extends Checkpoint {
  readonly model: ImageModel;
}

/** The model that a card describes, untrained. */
export function modelOf({ model: { name, ...options }, classes }: ModelCard): ImageModel {
  return createModel(name, { ...options, numClasses: classes.length });
}

/**
 * Loads the trained model of a run folder or of a checkpoint's path.
 *
 * @throws a data error when there is none; a shape error that lists both sides when it does not fit its own model
 */
export async function loadTrained(path: string): Promise<TrainedModel> {
  const checkpoint = readCheckpointFile(runCheckpoint(path), path);
  const model = modelOf(checkpoint.card);
  return { ...checkpoint, ...fitted(path, model, checkpoint), model };
}

/** A run's checkpoint, or a checkpoint's file; undefined where a path is none of Ocelli's own. */
export function readOwn(path: string): Checkpoint | undefined {
  const file = findCheckpoint(path);
  if (file === undefined) return undefined;
  try {
    return readCheckpointFile(file, path);
  } catch (error) {
    if (error instanceof OcelliError && error.code === "format") return undefined;
    throw error;
  }
}

/** A checkpoint's arrays by flat name, with the grid of their positions: what `fitWeights` takes to another size. */
export const arraysOf = ({ params, variables, card: { model, imageShape } }: Checkpoint) => ({
  arrays: { ...toFlat<HostArray>(params), ...toFlat<HostArray>(variables) },
  givenGrid: positionGrid(model, imageShape),
});

/** A checkpoint's arrays under exactly a model's names; an error lists both sides where they differ. */
export function fitted(
  what: string,
  model: ImageModel,
  { params, variables, card: { imageShape } }: Checkpoint,
): Pick<Checkpoint, "params" | "variables"> {
  const image: Spec = { shape: [1, ...imageShape], dtype: "float32" };
  const specs = modelSpecs(model, image);
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

/** What a model returns in evaluation: image [batch, height, width, channels] to [batch, classes]. */
export const evaluateModel = (model: ImageModel, arrays: ModelTensors, image: Tensor): Tensor =>
  outputsOf(model, arrays, image).output;

/** The same with the model's intermediate values by name. */
export function outputsOf(model: ImageModel, arrays: ModelTensors, image: Tensor) {
  const [output, out] = apply(model, arrays, image).result;
  return { output, out: toFlat<Tensor>(out) };
}
