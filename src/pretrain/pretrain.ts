/** @file `ocelli pretrain`: a training without labels whose method, size and length follow from the pictures and the time. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigInput } from "../config/config.ts";
import type { DataConfig } from "../data/config.ts";
import { openDataset } from "../data/datasets.ts";
import { openSplit } from "../data/splits/splits.ts";
import { OcelliError } from "../errors.ts";
import { describeSeconds } from "../runs/forecast.ts";
import { parseLine } from "../runs/read-lines.ts";
import { Run } from "../runs/run.ts";
import { imageSize } from "../served/image-size.ts";
import { type RunOptions, type TrainResult, train } from "../train/train.ts";
import { SILENT } from "../train/watch/progress.ts";
import { type Candidate, type Choice, type PretrainMethod, choose, configOf } from "./choose.ts";

/** Options of {@link pretrain}. */
export interface PretrainOptions extends Pick<RunOptions, "engine" | "signal" | "reporter"> {
  /** How long it may take, measuring included. Default: 60. */
  readonly minutes?: number;
  /** Default: chosen by pictures and time. */
  readonly method?: PretrainMethod;
  /** The run folder. Default: `runs/pretrain`, numbered. */
  readonly workdir?: string;
  /** Default: 0. */
  readonly seed?: number;
}

/** What {@link pretrain} yields. */
export interface PretrainResult extends TrainResult {
  readonly chosen: Choice;
}

/** Steps that measure, fewer where they take longer than so many seconds together. */
const [MEASURED, PATIENCE] = [12, 6];
/** What evaluations and checkpoints leave of the time. */
const SHARE = 0.9;

/**
 * Learns features of pictures without labels, and leaves a run that `transfer`, `embed` and `probe` take as a model.
 * A run that is stopped resumes as any training does.
 *
 * @throws the errors of opening data and of training, that of a taken run folder before anything is measured; the signal's reason where it is aborted while steps are measured
 */
export async function pretrain(
  data: DataConfig,
  { minutes = 60, method, workdir, seed = 0, ...options }: PretrainOptions = {},
): Promise<PretrainResult> {
  const began = performance.now();
  const { reporter = SILENT, signal } = options;
  const dataset = await openDataset(data, { labels: "optional" });
  const source = await openSplit(dataset, "train", { note: (line) => reporter.line(line) });
  if (workdir !== undefined) (await Run.create(workdir)).close(); // a folder that is taken is an error now, not after minutes of measuring
  const { height, width } = await imageSize(source);
  const facts = { pictures: source.length, side: Math.min(height, width) };
  reporter.line(
    `data    ${dataset.name}: ${facts.pictures} pictures to train on, about ${width} × ${height}; labels are not used`,
  );
  const left = (): number => SHARE * (60 * minutes - (performance.now() - began) / 1000);
  const measure = async (candidate: Candidate): Promise<number> => {
    signal?.throwIfAborted();
    const seconds = await measureStep({ ...configOf(candidate), seed, data }, options);
    const { batchSize, size, method: name } = candidate;
    reporter.line(
      `tried   ${name} of ${size} pixels: ${seconds.toFixed(3)} s for a step of ${batchSize}`,
    );
    return seconds;
  };
  const chosen = await choose(facts, left, measure, method);
  if (left() <= 0) throw tooShort(minutes);
  for (const line of chosen.why) reporter.line(line);
  reporter.line(`time    ${describeSeconds(chosen.steps * chosen.stepSeconds)} of training`);
  const config = { ...configOf(chosen), seed, data, duration: { steps: chosen.steps } };
  const result = await train(config as ConfigInput, {
    ...options,
    command: "pretrain",
    ...(workdir !== undefined && { workdir }),
  });
  return { ...result, chosen };
}

/**
 * Seconds of a step, reading included: a few steps of a training that is thrown away. The second half of them counts, once the
 * program is compiled and what was read ahead is used up.
 */
export async function measureStep(
  config: Omit<ConfigInput, "duration">,
  { engine, signal }: Pick<RunOptions, "engine" | "signal">,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "ocelli-pretrain-"));
  const enough = new AbortController();
  let first: number | undefined;
  const line = (text: string): void => {
    if (!/^step \d+\//.test(text)) return;
    first ??= performance.now();
    if (performance.now() - first > 1000 * PATIENCE) enough.abort();
  };
  try {
    const workdir = join(folder, "run");
    const brief = { evals: {}, checkpoint: {}, log: { steps: 1 }, duration: { steps: MEASURED } };
    await train({ ...config, ...brief } as ConfigInput, {
      ...{ workdir, engine, reporter: { ...SILENT, line } },
      signal: AbortSignal.any([enough.signal, ...(signal ? [signal] : [])]),
    });
    signal?.throwIfAborted();
    const text = await readFile(join(workdir, "metrics.jsonl"), "utf8");
    const rates = text.split("\n").flatMap((row) => parseLine(row)?.imagesPerSecond ?? []);
    const counted = rates.slice(Math.floor(rates.length / 2));
    const seconds = counted.map((rate) => config.batchSize! / rate);
    return seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const tooShort = (minutes: number): OcelliError =>
  new OcelliError("argument", `${minutes} minutes are over once a few steps have been measured.`, {
    hint: "Give more --minutes.",
  });
