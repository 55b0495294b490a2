/** @file Low-rank adapters of a transfer: drawn before training, written into the kernels after it. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type DeviceArray, jit } from "../../engines/engine.ts";
import { openEngine } from "../../engines/select.ts";
import { OcelliError } from "../../errors.ts";
import { type HostArray, type Tensor, randomKey } from "../../graph/index.ts";
import { imageSpec } from "../../served/trained.ts";
import { createModel } from "../../models/index.ts";
import { type LoraOptions, initialise, isAdapter, mergeLora, modelSpecs } from "../../nn/index.ts";
import { writeAtomically } from "../../files.ts";
import { inLockedFolder } from "../../runs/lock/lock.ts";
import { runCheckpoint } from "../../runs/checkpoint-path.ts";
import { type Tree, fromFlat, toFlat } from "../../tree.ts";
import { checkpointChunks } from "../../weights/checkpoint.ts";
import { readCheckpointFile } from "../../weights/checkpoint-file.ts";
import { disposeTree, readTree } from "../../served/device-trees.ts";
import type { Backbone } from "../backbone.ts";

/** What a transfer's training begins with, in the run's folder, so that a stopped run can be resumed. */
export const INIT = "init.safetensors";

/** Adapters of rank 8 that count twice, as in the paper's larger models. */
export const LORA_DEFAULTS = { rank: 8, alpha: 16 } as const;

/** The specs of the adapters of a backbone with a classifier; an error where no layer is to be adapted. */
export function adapterSpecs(
  { model, imageShape }: Pick<Backbone, "model" | "imageShape">,
  lora: LoraOptions,
  classes: number,
) {
  const { name, ...options } = model;
  const net = createModel(name, { ...options, lora, numClasses: classes });
  const image = imageSpec({ imageShape });
  const specs = toFlat(modelSpecs(net, image).params as Tree<{ shape: readonly number[] }>);
  const adapters = Object.entries(specs).filter(([path]) => isAdapter(path));
  return { net, image, adapters };
}

/** The side of the images that a model is tried on before its weights say theirs. */
const TRIED = 224;

/**
 * Checks that the layers of a model can be adapted, before its weights are fetched.
 *
 * @throws an argument error that names a method that suits the model
 */
export function checkAdaptable(model: Backbone["model"], lora: LoraOptions): void {
  try {
    adapterSpecs({ model, imageShape: [TRIED, TRIED, 3] }, lora, 2);
  } catch (error) {
    if (!(error instanceof OcelliError) || error.code !== "config") return; // of another size, or told later
    const why = error.message.replace(` ${error.hint}`, "");
    throw new OcelliError("argument", `--method lora does not suit ${model.name}: ${why}`, {
      given: model.name,
      hint: lora.targets === undefined ? "Take --method full, or a vit." : error.hint,
      cause: error,
    });
  }
}

/** Initial adapters, by nested name. */
export async function drawAdapters(
  backbone: Backbone,
  lora: LoraOptions,
  { classes, seed, engine: name }: { classes: number; seed: number; engine: string | undefined },
): Promise<Tree<HostArray>> {
  const { net, image } = adapterSpecs(backbone, lora, classes);
  const engine = await openEngine(name);
  try {
    const drawn = await jit(engine, function drawAdapters() {
      const { params } = initialise(net, randomKey(seed), image);
      const adapters = Object.entries(toFlat<Tensor>(params)).filter(([path]) => isAdapter(path));
      return fromFlat(Object.fromEntries(adapters));
    })();
    const host = await readTree(drawn as Tree<DeviceArray>);
    disposeTree(drawn as Tree<DeviceArray>);
    return host;
  } finally {
    await engine.dispose();
  }
}

/**
 * Writes the adapters of a transfer's run into the kernels of its checkpoint, so that a plain model is left; other runs
 * stay as they are. Whether there were adapters.
 */
export async function mergeRun(folder: string, engineName: string | undefined): Promise<boolean> {
  if (!existsSync(join(folder, INIT))) return false;
  return inLockedFolder(folder, {}, () => mergeCheckpoint(folder, engineName));
}

async function mergeCheckpoint(folder: string, engineName: string | undefined): Promise<boolean> {
  const file = runCheckpoint(folder);
  const { card, params, variables } = readCheckpointFile(file, file);
  const lora = card.model.lora as LoraOptions | undefined;
  if (!lora) return false;
  const engine = await openEngine(engineName);
  try {
    const merged = (await jit(engine, function mergeAdapters(all: Tree<Tensor>) {
      return fromFlat(mergeLora(toFlat<Tensor>(all), lora));
    })(params)) as Tree<DeviceArray>;
    const plain = await readTree(merged);
    disposeTree(merged);
    const model = Object.fromEntries(Object.entries(card.model).filter(([key]) => key !== "lora"));
    const plainCard = { ...card, model: { ...model, name: card.model.name } };
    await writeAtomically(file, checkpointChunks({ card: plainCard, params: plain, variables }));
    return true;
  } finally {
    await engine.dispose();
  }
}
