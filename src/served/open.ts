/** @file Models as they are served: a run's, a checkpoint's, or one that was exported to ONNX. */

import { use } from "../config/use.ts";
import { parseDataFile, readDataFile } from "../data/files/files.ts";
import { jit } from "../engines/engine.ts";
import { openOnnxProgram } from "../engines/ort/open-model.ts";
import { openEngine } from "../engines/select.ts";
import { OcelliError } from "../errors.ts";
import { decodeModel } from "../formats/onnx-decode.ts";
import type { DType, HostArray, Tensor } from "../graph/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { type Tree, toFlat } from "../tree.ts";
import { disposeTree, uploadTree } from "./device-trees.ts";
import { servedTexts } from "./texts.ts";
import { openTokenizerOf, withTokenizer } from "./tokenizers.ts";
import { exportedModel, readExported } from "./exporting/exported.ts";
import type { ServedBatch, ServedModel } from "./model.ts";
import { useRunFiles } from "./modules.ts";
import { type ModelTensors, type TrainedModel, outputsOf } from "./outputs.ts";
import { type TrainedOptions, openTrained } from "./trained.ts";

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
  const { engine, ...trained } = options;
  return /\.onnx$/i.test(spec)
    ? openExported(spec, engine)
    : serveTrained(spec, await openTrained(spec, trained), engine);
}

/**
 * A trained model on an engine.
 *
 * @param spec names the model in errors
 * @param engineName default: "auto"
 */
export async function serveTrained(
  spec: string,
  { card, task, params, variables }: TrainedModel,
  engineName?: string,
): Promise<ServedModel> {
  checkNumbers(spec, { params, variables });
  const opened = await openTokenizerOf(card.task, spec);
  const preprocessing = withTokenizer(parsePreprocessing(card.preprocessing), opened);
  const engine = await openEngine(engineName);
  const arrays = await uploadTree(engine, { params, variables });
  const model: ServedModel = {
    card,
    task,
    preprocessing,
    tokenizer: opened?.tokenizer,
    engine,
    compile(look) {
      const program = jit(engine, function served(weights: ModelTensors, raw: ServedBatch<Tensor>) {
        const batch = Object.hasOwn(raw, "image") ? preprocessing.onDevice(raw) : raw;
        return look(outputsOf(task, weights, batch), batch);
      });
      return (batch) => program(arrays, batch);
    },
    async dispose() {
      disposeTree(arrays);
      await engine.dispose();
    },
  };
  return { ...model, texts: servedTexts(spec, model, opened?.tokenizer) };
}

async function openExported(path: string, engineName?: string): Promise<ServedModel> {
  await useRunFiles(path);
  const bytes = await readDataFile(path);
  const { metadata } = parseDataFile(path, () => decodeModel(bytes));
  const exported = readExported(metadata, path);
  const { card, calls } = exported;
  const opened = calls.input === "text" ? await openTokenizerOf(card.task, path) : undefined;
  const tokenizer = opened?.tokenizer;
  const program = await openOnnxProgram({ path }); // large weights lie in a file beside it
  try {
    const engine = await openEngine(engineName);
    const dispose = async (): Promise<void> => {
      await program.dispose();
      await engine.dispose();
    };
    return exportedModel(exported, program, { engine, dispose, what: path, tokenizer });
  } catch (error) {
    await program.dispose();
    throw error;
  }
}
