/** @file Several models judged by their frozen features on the same labelled images: nearest neighbours, linear, few-shot, clusters. */

import type { DataConfig } from "../../data/config.ts";
import { DataProblems } from "../../data/problems.ts";
import type { Engine } from "../../engines/engine.ts";
import { openEngine } from "../../engines/select.ts";
import { clusterValues } from "../../evaluate/index.ts";
import { hostArray } from "../../graph/index.ts";
import { type Reporter, SILENT } from "../../train/watch/progress.ts";
import { crossJudge } from "./crossed.ts";
import type { Labelled } from "./labelled.ts";
import { parametersOf } from "./leave.ts";
import { neighbours } from "./neighbours.ts";
import type { TransferOptions } from "./options.ts";
import { findFewShot, findLinear } from "./probe.ts";
import { qualityOf } from "./quality.ts";
import { checkClasses } from "./select.ts";
import { openTask } from "./task.ts";
import { seeAll } from "./transfer.ts";

/** Options of {@link probeModels}, those of a transfer that concern features and examples. */
export type ProbeOptions = Pick<
  TransferOptions,
  | "architecture"
  | "preprocessing"
  | "use"
  | "cache"
  | "cacheBytes"
  | "shots"
  | "seed"
  | "split"
  | "test"
  | "engine"
  | "batchSize"
  | "onBadImage"
  | "reporter"
  | "signal"
>;

/** How well a model's features tell the classes apart, on images that taught nothing; from 0 to 1. */
export interface ProbedModel {
  readonly model: string;
  /** Numbers an image. */
  readonly features: number;
  readonly parameters: number;
  readonly trainImages: number;
  readonly testImages: number;
  readonly knn20: number;
  readonly knn1: number;
  /** By softmax regression; absent where no class has a second image. */
  readonly linear?: number;
  /** By the few-shot evaluation's ridge regression. */
  readonly ridge?: number;
  readonly clusterAccuracy: number;
  readonly nmi: number;
  readonly seconds: number;
}

/**
 * Probes each model on the same images, without training it. Clusters are of the images that judge; where classes have fewer
 * than ten images, of all.
 *
 * @throws the errors of opening models and data
 */
export async function probeModels(
  models: readonly string[],
  data: DataConfig,
  options: ProbeOptions = {},
  told: (probed: ProbedModel) => void = () => undefined,
): Promise<ProbedModel[]> {
  const engine = await openEngine(options.engine);
  const { reporter = SILENT } = options;
  const opening = sayOnce(reporter);
  const results: ProbedModel[] = [];
  try {
    for (const model of models) {
      if (models.length > 1) reporter.line(`model   ${model}`);
      const probed = await probeOne(model, data, { ...options, reporter, opening }, engine);
      told(probed);
      results.push(probed);
    }
  } finally {
    await engine.dispose();
  }
  return results;
}

/** The same data is opened for every model: what is said of it then is said once. */
function sayOnce(reporter: Reporter): Reporter {
  const said = new Set<string>();
  return {
    terminal: reporter.terminal,
    status: (text) => reporter.status(text),
    line(text) {
      if (!said.has(text)) reporter.line(text);
      said.add(text);
    },
  };
}

async function probeOne(
  model: string,
  data: DataConfig,
  {
    reporter,
    opening,
    ...options
  }: ProbeOptions & { readonly reporter: Reporter; readonly opening: Reporter },
  engine: Engine,
): Promise<ProbedModel> {
  const began = performance.now();
  const seconds = (): number => Math.round(performance.now() - began) / 1000;
  const opened = await openTask(data, { ...options, reporter: opening, model, method: "knn" });
  const task = { ...opened, reporter };
  const { classes, backbone } = task;
  const problems = new DataProblems(({ id, reason }) => reporter.line(`left out ${id}: ${reason}`));
  const { known, chooser, asked } = await seeAll(task, engine, problems);
  checkClasses(known, classes);
  const near = neighbours(task, engine, { known, asked, problems, seconds });
  const linear = async (part: Labelled) =>
    (await findLinear(engine, part, chooser, classes.length)).head;
  const ridge = (part: Labelled) => Promise.resolve(findFewShot(part, classes.length).head);
  const judge = async (find: typeof linear): Promise<number | undefined> =>
    asked
      ? qualityOf(asked, await find(known)).accuracy
      : (await crossJudge(known, find))?.quality.accuracy;
  const { features, labels } = asked ?? known;
  const clusters = clusterValues(
    { features, labels: hostArray([labels.length], "int32", Int32Array.from(labels)) },
    { numClasses: classes.length },
  );
  const { knn20, knn1 } = near.evals[task.held];
  return {
    ...{ model, features: backbone.features, parameters: parametersOf(backbone) },
    ...{ trainImages: near.trainImages, testImages: near.testImages, knn20, knn1 },
    ...{ linear: await judge(linear), ridge: await judge(ridge) },
    ...(Object.fromEntries(clusters) as { clusterAccuracy: number; nmi: number }),
    seconds: seconds(),
  };
}
