/** @file What a transfer leaves: backbone and head as one model, and the files of a run. */

import { join } from "node:path";
import type { DataProblems } from "../../data/problems.ts";
import type { Engine } from "../../engines/engine.ts";
import { confusion, perClass } from "../../evaluate/index.ts";
import type { Matrix } from "../../evaluate/matrix.ts";
import { type HostArray, hostArray, sizeOf } from "../../graph/index.ts";
import { type ModelCard, createModel } from "../../models/index.ts";
import { readOwn } from "../../files.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { describeEnvironment } from "../../runs/environment.ts";
import { writeReport } from "../../runs/report.ts";
import type { Run } from "../../runs/run.ts";
import { type Tree, fromFlat, toFlat } from "../../tree.ts";
import { checkpointChunks } from "../../weights/checkpoint.ts";
import { recordDefinitions } from "../../served/modules.ts";
import { picturesOf } from "../../served/pictures.ts";
import { recordMistakes } from "../../tasks/classification.ts";
import { fitted } from "../../served/trained.ts";
import type { Backbone } from "../backbone.ts";
import type { SourceFeatures } from "../features.ts";
import type { Head } from "./labelled.ts";
import type { TransferResult, TransferTask } from "./options.ts";
import type { Found } from "./probe.ts";
import type { Judged } from "./crossed.ts";
import type { Quality } from "./quality.ts";
import { recordSplits } from "../../served/split-record.ts";

/** Backbone and head, of zeros where none was found, as the parts of a checkpoint's file; `adapters` come beside. */
export function modelChunks(
  { model, preprocessing, imageShape, params, variables, features }: Backbone,
  found: Pick<Found, "head" | "steps"> | undefined,
  classes: readonly string[],
  adapters: Tree<HostArray> = {},
): Uint8Array[] {
  const { head = zeroHead(features, classes.length), steps: step = 0 } = found ?? {};
  const card: ModelCard = {
    model,
    task: { name: "classification", loss: "softmax" },
    names: { label: classes },
    ...{ preprocessing, imageShape, step },
  };
  const { name, ...options } = model;
  const net = createModel(name, { ...options, numClasses: classes.length });
  const own = toFlat<HostArray>({ ...params, head: { ...head } });
  const all = fromFlat({ ...own, ...toFlat<HostArray>(adapters) });
  const checkpoint = { card, params: all, variables };
  return checkpointChunks({ card, ...fitted("the transferred model", { model: net }, checkpoint) });
}

const zeroHead = (features: number, classes: number): Head => ({
  kernel: zerosArray([features, classes]),
  bias: zerosArray([classes]),
});

const zerosArray = (shape: readonly number[]): HostArray =>
  hostArray(shape, "float32", new Float32Array(sizeOf(shape)));

/** The number of parameters of a backbone and its head, where it has one. */
export const parametersOf = ({ params }: Backbone, head?: Head): number =>
  Object.values(toFlat<HostArray>({ params, head: { ...head } })).reduce(
    (sum, { shape }) => sum + sizeOf(shape),
    0,
  );

/** What a probe's transfer has found out. */
interface Learned {
  readonly run: Run;
  readonly found: Found;
  readonly known: SourceFeatures;
  /** Undefined where no class has two images, so that none could judge. */
  readonly judged: Judged | undefined;
  readonly problems: DataProblems;
  readonly seconds: () => number;
}

/** Judges a probe and writes its run: the model, the penalties that were tried as metrics, mistakes, result and report. */
export async function leaveProbe(
  task: TransferTask,
  engine: Engine,
  { run, found, known, judged, problems, seconds }: Learned,
): Promise<TransferResult> {
  const { method, model, classes, held, backbone } = task;
  const measured = judged && pick(judged.quality);
  await recordDefinitions(run, configOf(task));
  await run.writeJson("config", configOf(task)); // the first: a folder that has it and no result is made again
  await run.writeJson("environment", describeEnvironment(engine));
  await run.writeCheckpoint(modelChunks(backbone, found, classes));
  await run.writeJson("splits", await recordUse(task));
  logSweep(run, found, held, measured);
  if (judged) await run.writeJson("predictions", await seenBy(task, judged));
  if (problems.isWorthKeeping) await run.writeJson("problems", problems);
  const result: TransferResult = {
    ...measured,
    evals: measured ? { [held]: measured } : {},
    ...{ method, model, classes, engine: engine.name },
    perClass: judged
      ? perClass(confusion(judged.asked.labels, judged.quality.predicted, classes.length))
      : [],
    trainImages: known.labels.length,
    testImages: judged?.asked.labels.length ?? 0,
    l2: found.l2,
    temperature: found.temperature,
    steps: found.steps,
    seconds: seconds(),
    parameters: parametersOf(backbone, found.head),
    workdir: run.folder,
    problems: problems.toJSON().examples,
    interrupted: false,
  };
  await run.writeJson("result", result);
  await writeReport(run.folder);
  return result;
}

/** What a result says of a quality. */
type Measured = Pick<Quality, "accuracy" | "loss" | "ece">;
const pick = ({ accuracy, loss, ece }: Quality): Measured => ({ accuracy, loss, ece });

/** Which images were learned from and judged by. */
const recordUse = ({ dataset, split, held, train, test, isCrossed }: TransferTask) =>
  recordSplits({
    dataset,
    sources: new Map([[split, train], ...(isCrossed ? [] : [[held, test] as const])]),
  });

/** What a probe was made of, under the names that a training's configuration has for it. */
function configOf({ backbone, held, isCrossed, method, model, ...task }: TransferTask): object {
  const { seed, data, split, shots, onBadImage, batchSize } = task;
  return {
    ...{ name: "transfer", seed, data, split, shots },
    preprocess: { eval: backbone.preprocessing },
    ...{ onBadImage, batchSize, model: backbone.model },
    transfer: { method, weights: model, sha256: backbone.sha256, layer: "pre_logits" },
    evals: isCrossed ? {} : { [held]: { split: held } },
  };
}

/**
 * The penalties as metrics, a line each, at the steps of the solver so far: the chosen one last, with the held-out
 * split, so that the last values are those of the model that is left.
 */
function logSweep(
  run: Run,
  { tried, steps, l2, trainLoss }: Found,
  held: string,
  measured: Measured | undefined,
): void {
  const lineOf = (one: Found["tried"][number]) => ({
    l2: one.l2,
    loss: one.trainLoss,
    "validation/accuracy": one.accuracy,
    "validation/loss": one.loss,
  });
  let step = 0;
  for (const one of tried) {
    if (one.l2 === l2) continue;
    step += one.steps;
    run.log({ step, ...lineOf(one) });
  }
  const chosen = tried.find((one) => one.l2 === l2);
  run.log({
    step: steps,
    ...(chosen && lineOf(chosen)),
    ...(trainLoss !== undefined && { loss: trainLoss }),
    ...(l2 !== undefined && { l2 }),
    ...(measured && {
      [`${held}/accuracy`]: measured.accuracy,
      [`${held}/loss`]: measured.loss,
      [`${held}/ece`]: measured.ece,
    }),
  });
}

/** What the model took for what, with pictures of its surest mistakes. */
async function seenBy(
  { classes, test, backbone }: TransferTask,
  { asked: { indices, labels }, quality: { predicted, probability } }: Judged,
): Promise<object> {
  const { alpha } = parsePreprocessing(backbone.preprocessing);
  const recorder = recordMistakes(classes);
  const whole = (values: readonly number[]) =>
    hostArray([values.length], "int32", Int32Array.from(values));
  recorder.see(Int32Array.from(indices), {
    label: whole(labels),
    predicted: whole(predicted),
    probability: hostArray([probability.length], "float32", Float32Array.from(probability)),
  });
  const summary = await recorder.summary(picturesOf(test, alpha));
  return summary ?? {};
}

/** The confusion that the last evaluation of a run left; undefined where it left none. */
export async function readConfusion(folder: string): Promise<Matrix | undefined> {
  const text = await readOwn(join(folder, "predictions.json")).catch(() => undefined);
  if (text === undefined) return undefined;
  const { confusion: rows } = JSON.parse(String(text)) as { confusion: number[][] };
  return { rows: rows.length, columns: rows.length, data: Float64Array.from(rows.flat()) };
}
