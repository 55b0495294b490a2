/** @file Fine-tuning: the whole model trained further by the one loop, from backbone and linear classifier. */

import { join } from "node:path";
import { perClass } from "../../evaluate/index.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { writeAtomically } from "../../runs/atomic.ts";
import { type ConfigInput } from "../config.ts";
import { train } from "../train.ts";
import type { Backbone } from "./backbone.ts";
import { modelChunks, readConfusion } from "./leave.ts";
import type { TransferResult, TransferTask } from "./options.ts";
import type { Found } from "./probe.ts";

/** What training begins with, in the run's folder, so that a stopped run can be gone on with. */
const INIT = "init.safetensors";

/** Trains the whole model further. What it leaves is a training's run. */
export async function fineTune(
  task: TransferTask,
  found: Found,
): Promise<Omit<TransferResult, "seconds" | "problems">> {
  const { backbone, classes, folder, method, model, train: source, test } = task;
  const init = join(folder, INIT);
  await writeAtomically(init, modelChunks(backbone, found, classes));
  const { engine, signal, reporter } = task;
  const trained = await train(configOf(task, init), { workdir: folder, engine, signal, reporter });
  const counts = trained.interrupted ? undefined : await readConfusion(folder);
  return {
    ...trained,
    method,
    model,
    classes,
    perClass: counts ? perClass(counts) : [],
    trainImages: source.length,
    testImages: test.length,
    l2: found.l2,
  };
}

/** The training's configuration; `ocelli train` would take it as it stands. */
function configOf(task: TransferTask, init: string): ConfigInput {
  const { seed, data, split, onBadImage, batchSize, backbone, held } = task;
  return {
    name: "transfer",
    seed,
    data,
    split,
    preprocess: { train: augmented(backbone), eval: backbone.preprocessing },
    onBadImage,
    batchSize,
    duration: { epochs: task.epochs ?? 10 },
    model: backbone.model as ConfigInput["model"],
    init,
    objective: { name: "classification", labelSmoothing: 0.1 },
    optimizer: {
      name: "adamw",
      lr: task.lr ?? 3e-4,
      weightDecay: 1e-4,
      gradClipNorm: 1,
      schedule: { decayType: "cosine", warmup: { percent: 10 } },
    },
    evals: { [held]: { split: held } },
  };
}

/**
 * A preprocessing for training from that for evaluation: a random part of at least half of the image, perhaps mirrored.
 * Images that are not decoded to colours are taken as for evaluation.
 */
function augmented({
  preprocessing: text,
  imageShape: [height, width, channels],
}: Backbone): string {
  const { hostOperations } = parsePreprocessing(text);
  const calls = text.split("|");
  if (!/^(fast_)?decode$/.test(calls[0]) || height !== width || channels !== 3) return text;
  return [calls[0], `inception_crop(${height},50)`, "flip_lr", ...calls.slice(hostOperations)].join(
    "|",
  );
}
