/** @file One system of the table: trained, then judged by its features and by a tenth of the labels; each stage is kept. */

import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ConfigInput } from "../../src/config/config.ts";
import { type DataConfig, withSplitBy } from "../../src/data/config.ts";
import { openDataset } from "../../src/data/datasets.ts";
import { openSplit } from "../../src/data/splits/splits.ts";
import { OcelliError } from "../../src/errors.ts";
import { writeAtomically } from "../../src/files.ts";
import { measureStep } from "../../src/pretrain/pretrain.ts";
import { parseLine } from "../../src/runs/read-lines.ts";
import { inLockedFolder } from "../../src/runs/lock/lock.ts";
import { endedResult, trainOnce } from "../../src/train/once.ts";
import { SILENT, type Reporter } from "../../src/train/watch/progress.ts";
import { probeModels } from "../../src/transfer/classification/compare.ts";
import { transfer } from "../../src/transfer/classification/transfer.ts";
import { resume } from "../../src/transfer/resume.ts";
import { type Budget, SPLITS, type SystemSettings, configOf } from "./settings.ts";

/** What a system came to; what is not known yet is absent. */
export interface SystemRow {
  readonly name: string;
  /** Seconds of a step as they were measured before training; absent where steps are given. */
  readonly stepSeconds?: number;
  readonly steps?: number;
  readonly epochs?: number;
  /** Milliseconds of training an image, reading included; a median. */
  readonly msPerImage?: number;
  /** The most memory that the training process held, in MB. */
  readonly peakMb?: number;
  /** The loss and signs of collapse in the first and the last tenth of training. */
  readonly first?: Readonly<Record<string, number>>;
  readonly last?: Readonly<Record<string, number>>;
  /** Shares of the test split. */
  readonly knn20?: number;
  readonly linear?: number;
  /** Of a classifier from a tenth of the labels: fine-tuned, or trained on them and the other images together. */
  readonly tenth?: number;
  /** Why training ended early. */
  readonly diverged?: string;
}

/** How a system is run. */
export interface SystemOptions {
  readonly data: DataConfig;
  readonly splits?: Readonly<Record<keyof typeof SPLITS, string>>;
  readonly budget: Budget;
  /** In place of the settings' own. */
  readonly network?: ConfigInput["model"];
  /** The folder of all systems. */
  readonly workdir: string;
  readonly engine?: string;
  readonly signal?: AbortSignal;
  readonly reporter?: Reporter;
}

/** Thrown through the stages where the signal stops one. */
class Stopped extends Error {}

const slug = (name: string): string => name.replaceAll(/[^\w.-]+/g, "-");
const rowPath = (workdir: string, name: string): string => join(workdir, `${slug(name)}.json`);

/** What is known of a system in a folder. */
export async function readRow(workdir: string, name: string): Promise<SystemRow> {
  const text = await readFile(rowPath(workdir, name), "utf8").catch(() => undefined);
  return text === undefined ? { name } : (JSON.parse(text) as SystemRow);
}

/** Whether nothing of a row is missing. */
export const isWhole = ({ diverged, tenth }: SystemRow): boolean =>
  diverged !== undefined || tenth !== undefined;

/**
 * Runs what is missing of a system's row. Begun again in the same folder it resumes: stages that are done are read, a training
 * that was stopped is resumed.
 *
 * @returns the row, and whether the signal stopped it
 */
export async function runSystem(
  name: string,
  system: SystemSettings,
  options: SystemOptions,
): Promise<{ row: SystemRow; interrupted: boolean }> {
  const { workdir, reporter = SILENT } = options;
  const report = (line: string): void => reporter.line(line);
  return inLockedFolder(join(workdir, slug(name)), { report }, async () => {
    let row = await readRow(workdir, name);
    const keep = async (more: Partial<SystemRow>): Promise<void> => {
      row = { ...row, ...more };
      await writeAtomically(rowPath(workdir, name), `${JSON.stringify(row, null, 2)}\n`);
    };
    try {
      await runStages(() => row, keep, system, options);
      return { row, interrupted: false };
    } catch (error) {
      const isStop =
        error instanceof Stopped || (error === options.signal?.reason && error !== undefined);
      if (!isStop) throw error;
      return { row, interrupted: true };
    }
  });
}

async function runStages(
  row: () => SystemRow,
  keep: (more: Partial<SystemRow>) => Promise<void>,
  system: SystemSettings,
  options: SystemOptions,
): Promise<void> {
  const { workdir, data, engine, signal, splits = SPLITS } = options;
  const { name } = row();
  const folder = join(workdir, slug(name));
  const run = join(folder, "run");
  const reporter = quiet(options.reporter ?? SILENT, name);
  const settings = configOf(name, system, data, splits);
  const config = { ...settings, model: options.network ?? settings.model };
  if (row().steps === undefined) await keep(await lengthOf(config, system, options));
  if (row().msPerImage === undefined && row().diverged === undefined) {
    const whole = { ...config, duration: { steps: row().steps! } } as ConfigInput;
    try {
      const { interrupted } = await trainOnce(run, whole, { engine, signal, reporter });
      await keep({ peakMb: Math.max(row().peakMb ?? 0, peakMb()) });
      if (interrupted) throw new Stopped();
    } catch (error) {
      if (!(error instanceof OcelliError) || error.code !== "diverged") throw error;
      await keep({ diverged: error.message });
      return;
    }
    await keep(await curvesOf(run));
  }
  if (row().diverged !== undefined) return;
  if (row().knn20 === undefined) {
    signal?.throwIfAborted();
    const [{ knn20, linear }] = await probeModels([run], data, {
      ...{ split: splits.known, test: splits.test, engine, batchSize: 128, signal, reporter },
    });
    await keep({ knn20, linear });
  }
  if (row().tenth === undefined) {
    const isClassifier = system.labels === "tenth";
    const of = isClassifier ? run : await fineTuned(join(folder, "tenth"), run, options, reporter);
    const { accuracy } = (await endedResult(of))!.evals[splits.test];
    await keep({ tenth: accuracy as number });
  }
}

/** How many steps a system trains: those of the budget, by the time of a step on this machine. */
async function lengthOf(
  config: Omit<ConfigInput, "duration">,
  { optimizer }: SystemSettings,
  { data, budget, engine, signal, splits = SPLITS }: SystemOptions,
): Promise<Partial<SystemRow>> {
  if (optimizer?.lr === 0) return { steps: 1, epochs: 0 };
  const source = await openSplit(await openDataset(withSplitBy(data, "class")), splits.train);
  const inEpochs = (steps: number) => ({
    steps,
    epochs: (steps * config.batchSize) / source.length,
  });
  if (budget.steps !== undefined) return inEpochs(budget.steps);
  const stepSeconds = await measureStep(config, { engine, signal });
  const most = (budget.mostEpochs * source.length) / config.batchSize;
  const steps = Math.floor(Math.min((60 * budget.minutes) / stepSeconds, most));
  return { stepSeconds, ...inEpochs(Math.max(1, steps)) };
}

/** Speed and signs of collapse from a training's curves. */
async function curvesOf(run: string): Promise<Partial<SystemRow>> {
  const text = await readFile(join(run, "metrics.jsonl"), "utf8");
  const trained = text
    .split("\n")
    .map(parseLine)
    .filter((row) => row !== undefined)
    .filter(({ imagesPerSecond }) => imagesPerSecond > 0);
  const speeds = trained.map(({ imagesPerSecond }) => imagesPerSecond).sort((a, b) => a - b);
  const signs = (of: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(of).filter(([key]) => SIGNS.includes(key)));
  return {
    msPerImage: 1000 / speeds[Math.floor(speeds.length / 2)],
    first: signs(trained[0]),
    last: signs(trained.at(-1)!),
  };
}

const SIGNS = [
  ...["loss", "accuracy", "featureDeviation", "effectiveRank", "outputDeviation", "outputRank"],
  ...["teacherEntropy", "alignment", "uniformity"],
];

/** The most memory that this process has held. */
const peakMb = (): number => Math.round(process.resourceUsage().maxRSS / 1024);

/** A classifier fine-tuned on a tenth of the labels. */
async function fineTuned(
  folder: string,
  model: string,
  { data, splits = SPLITS, budget, engine, signal }: SystemOptions,
  reporter: Reporter,
): Promise<string> {
  if (await endedResult(folder)) return folder;
  signal?.throwIfAborted();
  if (existsSync(join(folder, "config.json"))) {
    const { interrupted } = await resume(folder, { engine, signal, reporter });
    if (interrupted) throw new Stopped();
    return folder;
  }
  await rm(folder, { recursive: true, force: true }); // killed before training began
  const { interrupted } = await transfer(data, {
    ...{ model, method: "full", split: splits.tenth, test: splits.test, workdir: folder },
    ...{ epochs: budget.fineTuneEpochs, batchSize: 64, engine, signal, reporter },
  });
  if (interrupted) throw new Stopped();
  return folder;
}

/** Progress as one line that is replaced, and notes of collapse. */
const quiet = (reporter: Reporter, name: string): Reporter => ({
  terminal: reporter.terminal,
  line: (text) => {
    if (text.startsWith("collapsed")) reporter.line(`${name}: ${text}`);
    else reporter.status(`${name}: ${text}`);
  },
  status: (text) => reporter.status(`${name}: ${text}`),
});
