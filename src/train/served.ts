/** @file Models as they are served: a run's, a checkpoint's, or one that was exported to ONNX. */

import { parseDataFile, readDataFile } from "../data/files.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { openOnnxProgram } from "../engines/ort/open-model.ts";
import { openEngine } from "../engines/select.ts";
import { OcelliError } from "../errors.ts";
import { decodeModel } from "../formats/onnx-decode.ts";
import type { HostArray, Tensor } from "../graph/index.ts";
import { type Preprocessing, parsePreprocessing } from "../preprocess/pipeline.ts";
import { type ModelCard, cardFromTexts } from "../weights/checkpoint.ts";
import { disposeTree, uploadTree } from "./device.ts";
import { type ModelTensors, evaluateModel, loadTrained } from "./trained.ts";

/** A model that is ready to be used. It owns memory until it is disposed. */
export interface ServedModel {
  readonly card: ModelCard;
  readonly preprocessing: Preprocessing;
  /** Where evaluators of its outputs run. */
  readonly engine: Engine;
  /** Logits [batch, classes] of images [batch, height, width, channels] after the host's part of the preprocessing. */
  logits(image: HostArray): Promise<HostArray>;
  dispose(): Promise<void>;
}

/**
 * Opens the model of a run folder, of a checkpoint, or of an `.onnx` file that `ocelli export` wrote.
 *
 * @throws a data error when there is none; a format error for an ONNX model that does not say how to use it
 */
export async function openServed(path: string, engineName?: string): Promise<ServedModel> {
  return /\.onnx$/i.test(path) ? openExported(path, engineName) : openRun(path, engineName);
}

async function openRun(path: string, engineName?: string): Promise<ServedModel> {
  const { card, model, params, variables } = await loadTrained(path);
  const preprocessing = parsePreprocessing(card.preprocessing);
  const engine = await openEngine(engineName);
  const arrays = await uploadTree(engine, { params, variables });
  const forward = jit(engine, function predict(weights: ModelTensors, image: Tensor) {
    return evaluateModel(model, weights, preprocessing.onDevice({ image }).image);
  });
  return {
    card,
    preprocessing,
    engine,
    logits: async (image) => take((await forward(arrays, image)) as DeviceArray),
    async dispose() {
      disposeTree(arrays);
      await engine.dispose();
    },
  };
}

async function openExported(path: string, engineName?: string): Promise<ServedModel> {
  const bytes = await readDataFile(path);
  const { metadata } = parseDataFile(path, () => decodeModel(bytes));
  const card = cardFromTexts(metadata);
  const program = await openOnnxProgram(bytes);
  const { inputs, outputs } = program;
  if (!card || inputs.length !== 1 || outputs.length !== 1 || inputs[0].shape.length !== 4) {
    await program.dispose();
    throw new OcelliError("format", `${path} does not say how to use it.`, {
      hint: "Give an ONNX file that ocelli export wrote: it holds preprocessing and class names.",
    });
  }
  const preprocessing = parsePreprocessing(card.preprocessing);
  const engine = await openEngine(engineName);
  const prepare = jit(engine, function prepare(image: Tensor) {
    return preprocessing.onDevice({ image }).image;
  });
  return {
    card,
    preprocessing,
    engine,
    async logits(image) {
      const ready = await take((await prepare(image)) as DeviceArray);
      return (await program.run([ready]))[0];
    },
    async dispose() {
      await program.dispose();
      await engine.dispose();
    },
  };
}

async function take(array: DeviceArray): Promise<HostArray> {
  const host = await array.read();
  array.dispose();
  return host;
}
