/** @file Models as they are served: a run's, a checkpoint's, or one that was exported to ONNX. */

import { parseDataFile, readDataFile } from "../data/files/files.ts";
import { type ArrayLike, type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { openOnnxProgram } from "../engines/ort/open-model.ts";
import { openEngine } from "../engines/select.ts";
import { OcelliError } from "../errors.ts";
import type { Evaluated } from "../evaluate/evaluator.ts";
import { decodeModel } from "../formats/onnx-decode.ts";
import type { DType, HostArray, Tensor } from "../graph/index.ts";
import { type Preprocessing, parsePreprocessing } from "../preprocess/pipeline.ts";
import { type Tree, toFlat } from "../tree.ts";
import { type ModelCard, cardFromTexts } from "../weights/model-card.ts";
import { disposeTree, uploadTree } from "./device-trees.ts";
import { type ModelTensors, loadTrained, outputsOf } from "./checkpoint-model.ts";

/** A batch: `image` [batch, height, width, channels] after the host's part of the preprocessing, and what goes with it. */
type ServedBatch<T> = Readonly<Record<string, T>> & { readonly image: T };

/** A model that is ready to be used. It owns memory until it is disposed. */
export interface ServedModel {
  readonly card: ModelCard;
  readonly preprocessing: Preprocessing;
  readonly engine: Engine;
  /** A program of what the model returns for a batch, compiled at its first use. An exported model returns logits alone. */
  compile(
    look: (evaluated: Evaluated) => Tree<Tensor>,
  ): (batch: ServedBatch<ArrayLike>) => Promise<Tree<DeviceArray>>;
  dispose(): Promise<void>;
}

/** Whether a stored element is NaN: half floats are looked at as their bits. */
const IS_NAN: Readonly<Partial<Record<DType, (stored: number) => boolean>>> = {
  float32: Number.isNaN,
  float64: Number.isNaN,
  bfloat16: (bits) => (bits & 0x7fff) > 0x7f80,
  float16: (bits) => (bits & 0x7fff) > 0x7c00,
};

/** An error where a trained array holds NaN: every answer would be NaN. */
function checkNumbers(path: string, arrays: Tree<HostArray>): void {
  for (const [name, { dtype, data }] of Object.entries(toFlat<HostArray>(arrays))) {
    const isNaN = IS_NAN[dtype];
    if (!isNaN || !(data as Float32Array).some(isNaN)) continue;
    throw new OcelliError("diverged", `${path}: its array ${name} holds NaN.`, {
      hint: "Its training diverged, or the file is damaged; take another checkpoint.",
    });
  }
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
  checkNumbers(path, { params, variables });
  const preprocessing = parsePreprocessing(card.preprocessing);
  const engine = await openEngine(engineName);
  const arrays = await uploadTree(engine, { params, variables });
  return {
    card,
    preprocessing,
    engine,
    compile(look) {
      const program = jit(engine, function served(weights: ModelTensors, raw: ServedBatch<Tensor>) {
        const batch = preprocessing.onDevice(raw);
        return look({ ...outputsOf(model, weights, batch.image), batch });
      });
      return (batch) => program(arrays, batch);
    },
    async dispose() {
      disposeTree(arrays);
      await engine.dispose();
    },
  };
}

const unusable = (path: string): OcelliError =>
  new OcelliError("format", `${path} does not say how to use it.`, {
    hint: "Give an ONNX file that ocelli export wrote: it holds preprocessing and class names.",
  });

async function openExported(path: string, engineName?: string): Promise<ServedModel> {
  const bytes = await readDataFile(path);
  const { metadata } = parseDataFile(path, () => decodeModel(bytes));
  const card = cardFromTexts(metadata, path);
  if (!card) throw unusable(path);
  const program = await openOnnxProgram({ path }); // large weights lie in a file beside it
  const { inputs, outputs } = program;
  if (inputs.length !== 1 || outputs.length !== 1 || inputs[0].shape.length !== 4) {
    await program.dispose();
    throw unusable(path);
  }
  const preprocessing = parsePreprocessing(card.preprocessing);
  const engine = await openEngine(engineName);
  const prepare = jit(engine, function prepare(raw: ServedBatch<Tensor>) {
    return preprocessing.onDevice(raw).image;
  });
  return {
    card,
    preprocessing,
    engine,
    compile(look) {
      const after = jit(engine, function served(output: Tensor, raw: ServedBatch<Tensor>) {
        return look({ output, out: {}, batch: preprocessing.onDevice(raw) });
      });
      return async (raw) => {
        const image = await prepare(raw);
        const [logits] = await program.run([await image.read()]);
        image.dispose();
        return after(logits, raw);
      };
    },
    async dispose() {
      await program.dispose();
      await engine.dispose();
    },
  };
}
