/** @file One arm of a claim with one seed: its trainings are ordinary runs, and those that are done are read. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DataConfig } from "../data/config.ts";
import { OcelliError } from "../errors.ts";
import { readOwn, writeAtomically } from "../files.ts";
import { type Config, configSchema } from "../config/config.ts";
import { inOrder } from "../runs/headline.ts";
import { isShare } from "../runs/list-show.ts";
import { probeModels } from "../transfer/classification/compare.ts";
import { evaluateModelOn } from "../served/evaluate.ts";
import type { Reporter } from "../train/watch/progress.ts";
import { validate } from "../config/validate.ts";
import { trainOnce } from "../train/once.ts";
import type { TrainResult } from "../train/train.ts";
import type {
  ArmContext,
  Claim,
  ClaimProbe,
  ClaimRecipe,
  ClaimRun,
  ClaimScale,
  ClaimValues,
} from "./define.ts";

/** What is the same for all arms of one call. */
export interface ClaimSession {
  readonly claim: Claim;
  readonly scale: ClaimScale;
  readonly data: DataConfig;
  readonly workdir: string;
  readonly engine: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly reporter: Reporter;
}

/** Which arm, with what. */
interface ArmCase {
  readonly arm: string;
  readonly seed: number;
  readonly tuned: Readonly<Record<string, number>>;
  /** The split that judges the last training. */
  readonly held: string;
}

/** What an arm came to with one seed. */
interface ArmOutcome {
  readonly values: ClaimValues;
  /** The settings that it read: those of `tuned` that make a difference to it. */
  readonly settings: Readonly<Record<string, number>>;
}

/** Thrown through an arm whose training was stopped on demand. */
export class Interrupted extends Error {}

/** Images that a probe computes together. */
const PROBE_BATCH = 128;
/** Characters of a configuration's hash in a folder's name. */
const HASH = 8;

/** Runs one arm with one seed. */
export async function runArm(session: ClaimSession, one: ArmCase): Promise<ArmOutcome> {
  const { claim, scale, data, engine, signal } = session;
  const { arm, seed, held } = one;
  const { train: split, validation } = claim.splits;
  const { tuned, settings } = watched(one.tuned);
  const run = (title: string, config: ClaimRecipe): Promise<ClaimRun> => {
    const whole = validate(configSchema(), {
      log: { percent: 5 },
      checkpoint: { every: { percent: 25 }, keep: 1 },
      data,
      split,
      ...config,
      name: `${claim.name}-${title}`.replaceAll(/[^\w.-]+/g, "-"),
      seed,
      evals: { validation: { type: claim.evaluator, split: validation } },
    });
    return runTraining(session, whole);
  };
  const context: ArmContext = {
    scale,
    seed,
    tuned,
    data,
    held,
    splits: claim.splits,
    engine,
    signal,
    async train(config, name) {
      const found = await run(name === undefined ? arm : `${arm}-${name}`, config);
      return held === validation ? found : judged(session, found, held);
    },
    stage: (name, config) => run(`stage-${name}`, config),
    probe: (found, options) => probed(session, found, { held, seed, ...options }),
  };
  return { values: (await claim.arms[arm](context)).values, settings };
}

/** Settings that note in `settings` which of them are read. */
function watched(values: Readonly<Record<string, number>>) {
  const settings: Record<string, number> = {};
  const tuned: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(tuned, name, {
      enumerable: true,
      get: () => (settings[name] = value),
    });
  }
  return { tuned, settings };
}

/**
 * Trains a configuration in the folder that is its own, resumes it, or reads what it came to. Arms that ask for the
 * same training share it, whatever they call it.
 */
async function runTraining(session: ClaimSession, config: Config): Promise<ClaimRun> {
  const { claim, workdir, engine, signal } = session;
  const hash = hashOf({ ...config, name: "" });
  const known = (await readdir(workdir)).find((name) => name.endsWith(`-${hash}`));
  const name = known ?? `${config.name.slice(claim.name.length + 1)}-seed-${config.seed}-${hash}`;
  const folder = join(workdir, name);
  const diverged = join(folder, "diverged.json");
  const outcome = async (result: TrainResult): Promise<ClaimRun> => ({
    folder,
    values: soundOrWorst(claim, await valuesOf(result, folder, config)),
  });
  if (existsSync(diverged)) return { folder, values: worstOf(claim) };
  const reporter = quiet(session.reporter, name);
  try {
    const result = await trainOnce(folder, config, { engine, signal, reporter });
    if (result.interrupted) throw new Interrupted();
    return await outcome(result);
  } catch (error) {
    if (!(error instanceof OcelliError) || error.code !== "diverged") throw error;
    await writeAtomically(diverged, `${JSON.stringify({ message: error.message })}\n`);
    return { folder, values: worstOf(claim) };
  }
}

const hashOf = (config: Config): string =>
  createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, HASH);

/** What a training that diverged is worth. */
const worstOf = ({ metric, maximize }: Claim): ClaimValues => ({
  diverged: 1,
  [metric]: !maximize ? Infinity : isShare(metric) ? 0 : -Infinity,
});

/** Values, or the worst where the last steps were too few to stop a training; a file says null for what is no number. */
const soundOrWorst = (claim: Claim, values: ClaimValues): ClaimValues =>
  values.loss === undefined || Number.isFinite(values.loss) ? values : worstOf(claim);

/** What a training's features tell apart on a split; kept in its folder. */
async function probed(
  { claim, data, engine, signal, reporter }: ClaimSession,
  { folder, values }: ClaimRun,
  { held, seed, split = claim.splits.train, shots }: ClaimProbe & { held: string; seed: number },
): Promise<ClaimValues> {
  if (values.diverged) return { diverged: 1 };
  const key = createHash("sha256")
    .update(JSON.stringify({ held, seed, split, shots }))
    .digest("hex");
  const path = join(folder, `probe-${key.slice(0, HASH)}.json`);
  const text = await readOwn(path).then(String, () => undefined);
  if (text !== undefined) return JSON.parse(text) as ClaimValues;
  const options = { split, test: held, shots, seed, engine, signal, batchSize: PROBE_BATCH };
  try {
    const [{ model: _, ...found }] = await probeModels([folder], data, {
      ...{ ...options, reporter: quiet(reporter, "probe") },
    });
    await writeAtomically(path, `${JSON.stringify(found)}\n`);
    return found as unknown as ClaimValues;
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw new Interrupted();
    throw error;
  }
}

/** A finished training with the values of a split that nothing was chosen by; each run reads it once. */
async function judged(
  { claim, engine }: ClaimSession,
  { folder, values }: ClaimRun,
  split: string,
): Promise<ClaimRun> {
  if (values.diverged) return { folder, values };
  const path = join(folder, "judged.json");
  const text = await readOwn(path).then(String, () => undefined);
  let found = text === undefined ? undefined : (JSON.parse(text) as ClaimValues);
  if (!found) {
    const { values: measured } = await evaluateModelOn(folder, undefined, {
      split,
      engine,
      types: [claim.evaluator],
      from: claim.splits.train,
    });
    found = { ...measured };
    await writeAtomically(path, `${JSON.stringify(found)}\n`);
  }
  return { folder, values: soundOrWorst(claim, { ...values, ...found }) };
}

/** What a finished training measured, with its size and speed. */
async function valuesOf(
  { evals, parameters, steps }: TrainResult,
  folder: string,
  { batchSize, evals: asked }: Config,
): Promise<ClaimValues> {
  const [values = {}] = Object.values(inOrder(evals, Object.keys(asked ?? {})));
  return { ...values, parameters, steps, msPerStep: await stepTime(folder, batchSize) };
}

/** Milliseconds of a step, the median over the reports of a run after its first. */
async function stepTime(folder: string, batchSize: number): Promise<number> {
  const text = await readOwn(join(folder, "metrics.jsonl")).then(String, () => "");
  const speeds = text
    .split("\n")
    .flatMap((line) => (line ? [JSON.parse(line) as { imagesPerSecond?: number }] : []))
    .flatMap(({ imagesPerSecond }) => imagesPerSecond ?? [])
    .slice(1)
    .sort((a, b) => a - b);
  const median = speeds[Math.floor(speeds.length / 2)] as number | undefined;
  return median ? (1000 * batchSize) / median : NaN;
}

/** A training's progress as one line that is replaced, without lines of its own. */
const quiet = (reporter: Reporter, name: string): Reporter => ({
  terminal: reporter.terminal,
  expect: reporter.expect,
  line: () => undefined,
  status: (text) => reporter.status(`${name}: ${text}`),
});
