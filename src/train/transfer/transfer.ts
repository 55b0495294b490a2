/** @file Transfer: a classifier of one's own images on a trained backbone, left as a run like any training's. */

import { join } from "node:path";
import type { DataConfig } from "../../data/config.ts";
import { openDataset } from "../../data/datasets.ts";
import { DataProblems } from "../../data/problems.ts";
import type { Dataset, Source } from "../../data/source.ts";
import { heldOutSplit } from "../../data/split-names.ts";
import { openSplit } from "../../data/splits.ts";
import { createWorkerPool } from "../../data/workers.ts";
import type { Engine } from "../../engines/engine.ts";
import { openEngine } from "../../engines/select.ts";
import { cpuBudget } from "../../engines/threads.ts";
import { OcelliError } from "../../errors.ts";
import { showTime } from "../../runs/list-show.ts";
import { Run, unusedFolder } from "../../runs/run.ts";
import { SILENT } from "../progress.ts";
import { openBackbone } from "./backbone.ts";
import { type SourceFeatures, createExtractor, sourceFeatures } from "./features.ts";
import { fineTune } from "./full.ts";
import { fitFewShot } from "./heads.ts";
import { leaveProbe } from "./leave.ts";
import { neighbours } from "./neighbours.ts";
import type { TransferOptions, TransferResult, TransferTask } from "./options.ts";
import { type Found, findLinear } from "./probe.ts";
import { checkClasses, pickExamples, validationOf } from "./select.ts";

/**
 * Transfers a backbone to labelled images: features are computed once, a classifier is found on them, and judged on a
 * split that chose nothing; `full` then trains the whole model further from there. The run folder holds the model, for
 * `predict`, `eval`, `export` and `report`.
 *
 * @throws data, argument and configuration errors that say how to mend them
 * @example
 * const { accuracy, workdir } = await transfer({ name: "folder", dir: "pets" }, { shots: 20 });
 */
export async function transfer(
  data: DataConfig,
  options: TransferOptions = {},
): Promise<TransferResult> {
  const began = performance.now();
  const seconds = (): number => Math.round(performance.now() - began) / 1000;
  const task = await openTask(data, options);
  const { method, reporter, classes, backbone, folder } = task;
  const report = (line: string): void => reporter.line(line);
  const problems = new DataProblems(({ id, reason }) => report(`left out ${id}: ${reason}`));
  const run = method === "knn" ? undefined : await Run.create(folder);
  let found: Found;
  const engine = await openEngine(options.engine);
  try {
    const images = `${task.train.length} images of ${classes.length} classes`;
    report(`data    ${task.dataName} ${task.split}: ${images}`);
    report(`model   ${task.model}: ${backbone.features} features an image`);
    report(`engine  ${engine.name}: ${engine.description}`);
    const { known, chooser, asked } = await seeAll(task, engine, problems);
    checkClasses(known, classes);
    if (!run) return neighbours(task, engine, { known, asked: asked!, problems, seconds });
    found =
      method === "fewshot"
        ? { head: fitFewShot(known, classes.length), tried: [], steps: 0 }
        : await findLinear(engine, known, chooser, classes.length);
    if (asked)
      return await leaveProbe(task, engine, { run, found, known, asked, problems, seconds });
  } finally {
    run?.close();
    await engine.dispose();
  }
  const tuned = await fineTune(task, found);
  return { ...tuned, seconds: seconds(), problems: problems.toJSON().examples };
}

/** Opens data and backbone; whatever is wrong with them is told before anything is computed. */
async function openTask(data: DataConfig, options: TransferOptions): Promise<TransferTask> {
  const { model = "efficientnet-lite0", method = "linear", shots, seed = 0 } = options;
  const { reporter = SILENT, split = "train", onBadImage = "skip", batchSize = 16 } = options;
  if (method === "full" && shots !== undefined) {
    throw new OcelliError("argument", "full trains on a whole split, not on shots.", {
      hint: "Name a part of it, such as --split train[:20%].",
    });
  }
  const dataset = await openDataset(data);
  const source = await openSplit(dataset, split);
  const { classes } = source;
  const { held, test } = await openHeld(dataset, { split, classes }, options.test);
  const report = (line: string): void => reporter.line(line);
  const backbone = await openBackbone(model, { ...options, report });
  const isLinear = method === "linear" || method === "full";
  return {
    ...options,
    ...{ data, dataName: dataset.name, model, method, seed, split, held, onBadImage, batchSize },
    ...{ reporter, backbone, classes, test },
    folder: options.workdir ?? unusedFolder(join("runs", "transfer")),
    train: await pickExamples(source, shots, seed),
    validation: isLinear ? await validationOf(dataset, { classes, held, shots, seed }) : undefined,
  };
}

/** The split to judge by, which must have the same classes. */
async function openHeld(
  dataset: Dataset,
  { split, classes }: { readonly split: string; readonly classes: readonly string[] },
  named: string | undefined,
) {
  const held = named ?? heldOutSplit(dataset.splits);
  if (held === undefined) {
    throw new OcelliError("config", `${dataset.name} has no split to judge by.`, {
      hint: "Name a part of one, such as --test train[90%:] with --split train[:90%].",
    });
  }
  if (held === split) {
    throw new OcelliError("argument", `${split} is learned from, so that it cannot judge.`, {
      hint: "Name another split, or another part of it, as --test.",
    });
  }
  const test = await openSplit(dataset, held);
  if (String(test.classes) === String(classes)) return { held, test };
  throw new OcelliError("data", `${held} does not have the classes that are learned.`);
}

/** The features of every part that the method needs. */
async function seeAll(task: TransferTask, engine: Engine, problems: DataProblems) {
  const { backbone, reporter, batchSize, onBadImage, cache } = task;
  const workers = createWorkerPool(cpuBudget().decode);
  const extractor = await createExtractor(engine, backbone);
  const see = async (name: string, part: Source): Promise<SourceFeatures> => {
    const start = performance.now();
    const progress = (done: number, total: number): void =>
      reporter.status(`features of ${name}: ${done} of ${total}`);
    const reading = { batchSize, workers, onBadImage, cache, progress };
    const seen = await sourceFeatures(extractor, part, reading);
    seen.problems.forEach((problem) => problems.add(problem));
    const how = seen.cached ? "kept before" : showTime((performance.now() - start) / 1000);
    reporter.line(`features of ${name}: ${seen.labels.length} images, ${how}`);
    return seen;
  };
  try {
    const known = await see(task.split, task.train);
    const chooser = task.validation && (await see("validation", task.validation));
    const asked = task.method === "full" ? undefined : await see(task.held, task.test);
    return { known, chooser, asked };
  } finally {
    workers[Symbol.dispose]();
    extractor[Symbol.dispose]();
  }
}
