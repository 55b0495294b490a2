/** @file What a transfer leaves: backbone and head as one model, and the files of a run. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DataProblems } from "../../data/problems.ts";
import type { Engine } from "../../engines/engine.ts";
import { confusion, perClass } from "../../evaluate/index.ts";
import type { Matrix } from "../../evaluate/matrix.ts";
import { type HostArray, hostArray, sizeOf } from "../../graph/index.ts";
import { createModel } from "../../models/index.ts";
import { describeEnvironment } from "../../runs/environment.ts";
import { writeReport } from "../../runs/report.ts";
import type { Run } from "../../runs/run.ts";
import { type Tree, fromFlat, toFlat } from "../../tree.ts";
import { checkpointChunks } from "../../weights/checkpoint.ts";
import type { ModelCard } from "../../weights/model-card.ts";
import { Predictions } from "../predictions.ts";
import { fitted } from "../trained.ts";
import type { Backbone } from "./backbone.ts";
import type { SourceFeatures } from "./features.ts";
import { type Head, type Quality, qualityOf } from "./heads.ts";
import type { TransferResult, TransferTask } from "./options.ts";
import type { Found } from "./probe.ts";

/** Backbone and head, of zeros where none was found, as the parts of a checkpoint's file; `adapters` come beside. */
export function modelChunks(
  { model, preprocessing, imageShape, params, variables, features }: Backbone,
  found: Pick<Found, "head" | "steps"> | undefined,
  classes: readonly string[],
  adapters: Tree<HostArray> = {},
): Uint8Array[] {
  const { head = zeroHead(features, classes.length), steps: step = 0 } = found ?? {};
  const card: ModelCard = { model, classes, preprocessing, loss: "softmax", imageShape, step };
  const { name, ...options } = model;
  const net = createModel(name, { ...options, numClasses: classes.length });
  const own = toFlat<HostArray>({ ...params, head: { ...head } });
  const all = fromFlat({ ...own, ...toFlat<HostArray>(adapters) });
  const checkpoint = { card, params: all, variables };
  return checkpointChunks({ card, ...fitted("the transferred model", net, checkpoint) });
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
  readonly asked: SourceFeatures;
  readonly problems: DataProblems;
  readonly seconds: () => number;
}

/** Judges a probe and writes its run: the model, the sweep as metrics, mistakes, result and report. */
export async function leaveProbe(
  task: TransferTask,
  engine: Engine,
  { run, found, known, asked, problems, seconds }: Learned,
): Promise<TransferResult> {
  const { method, model, classes, held, backbone } = task;
  const quality = qualityOf(asked, found.head);
  const { accuracy, loss, predicted } = quality;
  await run.writeCheckpoint(modelChunks(backbone, found, classes));
  await run.writeJson("environment", describeEnvironment(engine));
  await run.writeJson("config", configOf(task));
  logSweep(run, found, held, quality);
  await run.writeJson("predictions", await seenBy(task, asked, quality).summary());
  if (problems.count > 0) await run.writeJson("problems", problems);
  const result: TransferResult = {
    accuracy,
    loss,
    evals: { [held]: { accuracy, loss } },
    ...{ method, model, classes, engine: engine.name },
    perClass: perClass(confusion(asked.labels, predicted, classes.length)),
    trainImages: known.labels.length,
    testImages: asked.labels.length,
    l2: found.l2,
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

/** What a probe was made of, under the names that a training's configuration has for it. */
function configOf({ backbone, held, method, model, ...task }: TransferTask): object {
  const { seed, data, split, shots, onBadImage, batchSize } = task;
  return {
    ...{ name: "transfer", seed, data, split, shots },
    preprocess: { eval: backbone.preprocessing },
    ...{ onBadImage, batchSize, model: backbone.model },
    transfer: { method, weights: model, sha256: backbone.sha256, layer: "pre_logits" },
    evals: { [held]: { split: held } },
  };
}

/** The sweep as metrics, a line for each strength, and the held-out split at the end. */
function logSweep(
  run: Run,
  { tried, steps }: Found,
  held: string,
  { accuracy, loss }: Pick<Quality, "accuracy" | "loss">,
): void {
  let step = 0;
  for (const { l2, steps: taken, trainLoss, ...validation } of tried) {
    step += taken;
    run.log({
      step,
      l2,
      loss: trainLoss,
      "validation/accuracy": validation.accuracy,
      "validation/loss": validation.loss,
    });
  }
  run.log({ step: steps, [`${held}/accuracy`]: accuracy, [`${held}/loss`]: loss });
}

/** What the model took for what, with pictures of its surest mistakes. */
function seenBy(
  { classes, test }: TransferTask,
  { indices, labels }: SourceFeatures,
  { predicted, probability }: Quality,
): Predictions {
  const seen = new Predictions(classes, test);
  const whole = (values: readonly number[]) =>
    hostArray([values.length], "int32", Int32Array.from(values));
  seen.see({
    indices: Int32Array.from(indices),
    label: whole(labels),
    predicted: whole(predicted),
    probability: hostArray([probability.length], "float32", Float32Array.from(probability)),
  });
  return seen;
}

/** The confusion that the last evaluation of a run left; undefined where it left none. */
export async function readConfusion(folder: string): Promise<Matrix | undefined> {
  const text = await readFile(join(folder, "predictions.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { confusion: rows } = JSON.parse(text) as { confusion: number[][] };
  return { rows: rows.length, columns: rows.length, data: Float64Array.from(rows.flat()) };
}
