/** @file Models as they are served: a run's, a checkpoint's, or one that was exported to ONNX. */

import { use } from "../config/use.ts";
import { parseDataFile, readDataFile } from "../data/files/files.ts";
import { type ArrayLike, type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { openOnnxProgram } from "../engines/ort/open-model.ts";
import { openEngine } from "../engines/select.ts";
import { OcelliError } from "../errors.ts";
import { decodeModel } from "../formats/onnx-decode.ts";
import type { DType, HostArray, Tensor } from "../graph/index.ts";
import { type Preprocessing, parsePreprocessing } from "../preprocess/pipeline.ts";
import type { ModelCard } from "../models/index.ts";
import type { Batch } from "../objectives/index.ts";
import { type Outputs, type Task, taskOf } from "../tasks/index.ts";
import { type Tree, toFlat } from "../tree.ts";
import { cardFromTexts } from "../weights/model-card.ts";
import { disposeTree, uploadTree } from "./device-trees.ts";
import { useRunFiles } from "./modules.ts";
import { type ModelTensors, type TrainedOptions, openTrained, outputsOf } from "./trained.ts";

/** A batch: `image` [batch, height, width, channels] after the host's part of the preprocessing, and what goes with it. */
type ServedBatch<T> = Readonly<Record<string, T>> & { readonly image: T };

/** A model that is ready to be used. It owns memory until it is disposed. */
export interface ServedModel {
  readonly card: ModelCard;
  readonly task: Task;
  readonly preprocessing: Preprocessing;
  readonly engine: Engine;
  /** A program of what the model computes of a batch, compiled at its first use. An exported model gives one head alone. */
  compile(
    look: (outputs: Outputs, batch: Batch) => Tree<Tensor>,
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

/** Options of {@link openModel}. */
export interface OpenModelOptions extends TrainedOptions {
  /** Default: "auto". */
  readonly engine?: string;
}

/**
 * Opens a trained model: a run folder, a checkpoint, an `.onnx` file that `ocelli export` wrote, a model with published
 * weights such as `efficientnet-lite0`, or whatever `--model` of `ocelli transfer` takes, such as `hf:owner/name`.
 *
 * @throws a data error when there is none; a format error for an ONNX model that does not say how to use it
 */
export async function openModel(
  spec: string,
  options: OpenModelOptions = {},
): Promise<ServedModel> {
  use(options.use ?? []);
  return /\.onnx$/i.test(spec) ? openExported(spec, options.engine) : openWeights(spec, options);
}

async function openWeights(
  spec: string,
  { engine: engineName, ...options }: OpenModelOptions,
): Promise<ServedModel> {
  const { card, task, model, params, variables } = await openTrained(spec, options);
  checkNumbers(spec, { params, variables });
  const preprocessing = parsePreprocessing(card.preprocessing);
  const engine = await openEngine(engineName);
  const arrays = await uploadTree(engine, { params, variables });
  return {
    card,
    task,
    preprocessing,
    engine,
    compile(look) {
      const program = jit(engine, function served(weights: ModelTensors, raw: ServedBatch<Tensor>) {
        const batch = preprocessing.onDevice(raw);
        return look(outputsOf(model, weights, batch.image), batch);
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
  await useRunFiles(path);
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
  const whole = taskOf(card);
  const task: Task = { ...whole, heads: { [whole.main]: ({ output }) => output } };
  const preprocessing = parsePreprocessing(card.preprocessing);
  const engine = await openEngine(engineName);
  const prepare = jit(engine, function prepare(raw: ServedBatch<Tensor>) {
    return preprocessing.onDevice(raw).image;
  });
  return {
    card,
    task,
    preprocessing,
    engine,
    compile(look) {
      const after = jit(engine, function served(output: Tensor, raw: ServedBatch<Tensor>) {
        return look({ output, out: {} }, preprocessing.onDevice(raw));
      });
      return async (raw) => {
        const image = await prepare(raw);
        const [output] = await program.run([await image.read()]);
        image.dispose();
        return after(output, raw);
      };
    },
    async dispose() {
      await program.dispose();
      await engine.dispose();
    },
  };
}
