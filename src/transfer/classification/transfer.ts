/** @file Transfer: a classifier of one's own images on a trained backbone, left as a run like any training's. */

import { join } from "node:path";
import type { DataConfig } from "../../data/config.ts";
import { DataProblems } from "../../data/problems.ts";
import { shortForm } from "../../data/short-form.ts";
import type { Source } from "../../data/source.ts";
import { createWorkerPool } from "../../data/stream/workers.ts";
import type { Engine } from "../../engines/engine.ts";
import { openEngine } from "../../engines/select.ts";
import { cpuBudget } from "../../engines/threads.ts";
import { OcelliError } from "../../errors.ts";
import { fieldsTaken } from "../../models/index.ts";
import { tellProgress } from "../../runs/forecast.ts";
import { showTime } from "../../runs/list-show.ts";
import { Run, makeUnusedFolder } from "../../runs/run.ts";
import type { Backbone } from "../backbone.ts";
import { type SourceFeatures, createExtractor, sourceFeatures } from "../features.ts";
import { crossJudge } from "./crossed.ts";
import type { Labelled } from "./labelled.ts";
import { leaveProbe } from "./leave.ts";
import { neighbours } from "./neighbours.ts";
import type { TransferOptions, TransferResult, TransferTask } from "./options.ts";
import { type Found, findFewShot, findLinear } from "./probe.ts";
import { qualityOf } from "./quality.ts";
import { checkClasses } from "./select.ts";
import { isTuning, openTask } from "./task.ts";
import { fineTune } from "./tune.ts";

/**
 * Transfers a backbone to labelled images: features are computed once, a classifier is found on them, and judged on a
 * split that chose nothing; `full` and `lora` then train the backbone further from there, `hyperrule` without it. The run
 * folder holds the model, for `predict`, `eval`, `export` and `report`.
 *
 * @throws data, argument and configuration errors that say how to mend them; the signal's reason where it is aborted
 *   before the backbone is trained
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
  const { method, reporter, classes, backbone } = task;
  if (method !== "knn") checkImageModel(backbone);
  const report = (line: string): void => reporter.line(line);
  const problems = new DataProblems(({ id, reason }) => report(`left out ${id}: ${reason}`));
  const run = method === "knn" ? undefined : await openRun(options.workdir, report);
  if (method === "hyperrule") {
    return { ...(await fineTune(task, run!, undefined)), seconds: seconds(), problems: [] };
  }
  try {
    const engine = await openEngine(options.engine);
    let found: Found;
    try {
      const images = `${task.train.length} images of ${classes.length} classes`;
      report(`data    ${task.dataName} ${task.split}: ${images}`);
      for (const line of shortForm(splitsOf(task))) report(`        ${line}`);
      if (task.isCrossed) report("test    by cross-validation: a class has fewer than ten images");
      report(`model   ${task.model}: ${backbone.features} features an image`);
      report(`engine  ${engine.name}: ${engine.description}`);
      const { known, chooser, asked } = await seeAll(task, engine, problems);
      checkClasses(known, classes);
      if (!run) return neighbours(task, engine, { known, asked, problems, seconds });
      const find = async (part: Labelled): Promise<Found> =>
        method === "fewshot"
          ? findFewShot(part, classes.length)
          : await findLinear(engine, part, chooser, classes.length);
      found = await find(known);
      reportFound(found, report);
      if (!isTuning(method)) {
        const judged = asked
          ? { asked, quality: qualityOf(asked, found.head) }
          : await crossJudge(known, async (part) => (await find(part)).head);
        return await leaveProbe(task, engine, { run, found, known, judged, problems, seconds });
      }
    } finally {
      await engine.dispose();
    }
    const tuned = await fineTune(task, run, found);
    return { ...tuned, seconds: seconds(), problems: problems.toJSON().examples };
  } finally {
    run?.close();
  }
}

/** The splits that are read, by their names. */
const splitsOf = ({ split, train, validation, held, test, isCrossed }: TransferTask) =>
  new Map([
    [split, train],
    ...(validation ? [["validation", validation] as const] : []),
    ...(isCrossed ? [] : [[held, test] as const]),
  ]);

/** Says which penalty and temperature were chosen, and by what. */
function reportFound({ l2, temperature, chosenBy }: Found, report: (line: string) => void): void {
  if (chosenBy === undefined) return;
  const chosen = [
    ...(l2 === undefined ? [] : [`penalty ${l2}`]),
    ...(temperature === undefined ? [] : [`temperature ${temperature.toPrecision(3)}`]),
  ];
  report(`chosen  ${chosen.join(", ")}: by ${chosenBy}`);
}

/** The run folder that is asked for, or the next unused one. */
const openRun = async (folder: string | undefined, report: (line: string) => void): Promise<Run> =>
  Run.create(folder ?? (await makeUnusedFolder(join("runs", "transfer"))), report);

/** The features of every part that the method needs. */
export async function seeAll(task: TransferTask, engine: Engine, problems: DataProblems) {
  const { backbone, reporter, batchSize, onBadImage, cache, cacheBytes, signal } = task;
  const workers = createWorkerPool(cpuBudget().decode);
  const extractor = await createExtractor(engine, backbone);
  const see = async (name: string, part: Source): Promise<SourceFeatures> => {
    signal?.throwIfAborted();
    const start = performance.now();
    const tell = tellProgress(reporter, `features of ${name}`, "images");
    const progress = (done: number, total: number): void => {
      signal?.throwIfAborted();
      tell(done, total);
    };
    const report = (line: string): void => reporter.line(line);
    const reading = { batchSize, workers, onBadImage, cache, cacheBytes, progress, report };
    const seen = await sourceFeatures(extractor, part, reading);
    problems.include(seen.problems);
    const how = seen.cached ? "kept before" : showTime((performance.now() - start) / 1000);
    reporter.line(`features of ${name}: ${seen.labels.length} images, ${how}`);
    return seen;
  };
  try {
    const known = await see(task.split, task.train);
    const chooser = task.validation && (await see("validation", task.validation));
    const isHeld = !isTuning(task.method) && !task.isCrossed;
    const asked = isHeld ? await see(task.held, task.test) : undefined;
    const note = problems.note(extractor.preprocessing.alpha);
    if (note !== undefined) reporter.line(note);
    return { known, chooser, asked };
  } finally {
    workers[Symbol.dispose]();
    extractor[Symbol.dispose]();
  }
}

/** An argument error for a backbone that no model of images alone can be made of. */
function checkImageModel({ spec, model }: Backbone): void {
  if (fieldsTaken(model.name).length === 1) return;
  throw new OcelliError("argument", `${spec} is a ${model.name}, no model of images alone.`, {
    ...{ given: model.name },
    hint: "Give another backbone; ocelli classify knows classes by their names.",
  });
}
