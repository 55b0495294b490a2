/** @file Fine-tuning: a backbone trained further by the one loop, in full, by adapters, or by BiT-HyperRule. */

import { join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { perClass } from "../../evaluate/index.ts";
import { modelTakes } from "../../models/index.ts";
import { writeAtomically } from "../../files.ts";
import type { Run } from "../../runs/run.ts";
import type { ConfigInput } from "../../config/config.ts";
import { train } from "../../train/train.ts";
import { INIT, adapterSpecs, drawAdapters, mergeRun } from "./adapters.ts";
import type { Backbone } from "../backbone.ts";
import { HYPER_RULE, hyperRuleSettings } from "./hyperrule.ts";
import { modelChunks, readConfusion } from "./leave.ts";
import type { TransferResult, TransferTask } from "./options.ts";
import type { Found } from "./probe.ts";

/** What a method has of its own in a training's configuration. */
type Settings = Pick<ConfigInput, "batchSize" | "duration" | "objective" | "optimizer"> &
  Pick<Partial<ConfigInput>, "accumulate">;

/** The backbone as it is trained: with adapters where they are asked for, and statistics that stay as they are. */
function tuned({ backbone, lora }: TransferTask): Backbone {
  const { model } = backbone;
  const frozen = modelTakes(model.name, "frozenNorm") && { frozenNorm: true };
  return { ...backbone, model: { ...model, ...frozen, ...(lora && { lora }) } };
}

/**
 * Checks what can be checked before anything is computed, and tells how it will be trained.
 *
 * @throws a configuration error where no layer is to be adapted, an argument error where a batch does not divide
 */
export function planTuning(task: TransferTask): void {
  const { lora, backbone, classes, reporter, batchSize, method } = task;
  if (modelTakes(backbone.model.name, "frozenNorm")) {
    reporter.line("batch normalisation keeps its statistics");
  }
  if (lora) {
    const { adapters } = adapterSpecs(backbone, lora, classes.length);
    const numbers = adapters.reduce(
      (sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    reporter.line(`lora    rank ${lora.rank}, ${adapters.length / 2} kernels, ${numbers} numbers`);
  }
  if (method === "hyperrule" && HYPER_RULE.batchSize % batchSize !== 0) {
    throw new OcelliError(
      "argument",
      `--batch-size ${batchSize} does not divide the rule's batch of ${HYPER_RULE.batchSize}.`,
      { hint: "It says how many images are computed together; take 32." },
    );
  }
}

/** Trains the backbone further in an open run folder, from a classifier that was found or from one of zeros. */
export async function fineTune(
  task: TransferTask,
  run: Run,
  found: Found | undefined,
): Promise<Omit<TransferResult, "seconds" | "problems">> {
  const { classes, method, model, train: source, test, lora, engine, seed } = task;
  const { folder } = run;
  const backbone = tuned(task);
  const init = join(folder, INIT);
  const drawn = lora && { classes: classes.length, seed, engine };
  const adapters = lora && (await drawAdapters(backbone, lora, drawn!));
  await writeAtomically(init, modelChunks(backbone, found, classes, adapters));
  const { signal, reporter } = task;
  const config = configOf(task, backbone, init);
  const trained = await train(config, { workdir: run, engine, signal, reporter });
  if (lora && !trained.interrupted) await mergeRun(folder, engine);
  const counts = trained.interrupted ? undefined : await readConfusion(folder);
  return {
    ...trained,
    method,
    model,
    classes,
    perClass: counts ? perClass(counts) : [],
    trainImages: source.length,
    testImages: counts ? counts.data.reduce((sum, count) => sum + count, 0) : test.length,
    l2: found?.l2,
    temperature: found?.temperature,
  };
}

/** The training's configuration; `ocelli train` would take it as it stands. */
function configOf(task: TransferTask, backbone: Backbone, init: string): ConfigInput {
  const { seed, data, split, shots, onBadImage, held, views } = task;
  return {
    name: "transfer",
    seed,
    data,
    split,
    shots,
    preprocess: { train: views, eval: backbone.preprocessing },
    onBadImage,
    ...settingsOf(task),
    model: backbone.model as ConfigInput["model"],
    init,
    evals: { [held]: { split: held } },
  };
}

function settingsOf({ method, rule, batchSize, epochs, lr }: TransferTask): Settings {
  if (rule) return hyperRuleSettings(rule, HYPER_RULE.batchSize / batchSize);
  const schedule = { decayType: "cosine", warmup: { percent: 10 } } as const;
  const common = {
    batchSize,
    duration: { epochs: epochs ?? 10 },
    objective: { name: "classification", labelSmoothing: 0.1 },
  } as const;
  const adamw = { name: "adamw", weightDecay: 1e-4, gradClipNorm: 1 } as const;
  return method === "lora"
    ? {
        ...common,
        optimizer: {
          ...adamw,
          lr: lr ?? 1e-3,
          schedule: [
            [".*lora_[ab]|head/.*", schedule],
            [".*", null],
          ],
        },
      }
    : { ...common, optimizer: { ...adamw, lr: lr ?? 3e-4, schedule } };
}
