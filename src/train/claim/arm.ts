/** @file One arm of a claim with one seed: its trainings are ordinary runs, and those that are done are read. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DataConfig } from "../../data/config.ts";
import { OcelliError } from "../../errors.ts";
import { writeAtomically } from "../../runs/atomic.ts";
import { type Config, configSchema } from "../config.ts";
import type { Reporter } from "../progress.ts";
import { validate } from "../schema.ts";
import { type TrainResult, resume, train } from "../train.ts";
import type {
  ArmContext,
  Claim,
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
  readonly held: string;
}

/** Thrown through an arm whose training was stopped on demand. */
export class Interrupted extends Error {}

/** Characters of a configuration's hash in a folder's name. */
const HASH = 8;

/** Runs one arm with one seed. */
export async function runArm(session: ClaimSession, one: ArmCase): Promise<ClaimValues> {
  const { claim, scale, data, engine, signal } = session;
  const { arm, seed, tuned, held } = one;
  const run = (title: string, config: ClaimRecipe, split: string): Promise<ClaimRun> => {
    const name = title.replaceAll(/[^\w.-]+/g, "-");
    const { train, validation } = claim.splits;
    const whole = validate(configSchema, {
      log: { percent: 5 },
      checkpoint: { every: { percent: 25 }, keep: 1 },
      data,
      split: train,
      ...config,
      name: `${claim.name}-${name}`,
      seed,
      evals: { [split === validation ? "validation" : "test"]: { split } },
    });
    return runTraining(session, `${name}-seed-${seed}`, whole);
  };
  const tag = held === claim.splits.test ? "" : "-tune";
  const context: ArmContext = {
    scale,
    seed,
    tuned,
    data,
    held,
    splits: claim.splits,
    engine,
    signal,
    train: (config, name) => run([arm, name].filter(Boolean).join("-") + tag, config, held),
    stage: (name, config) => run(`stage-${name}`, config, claim.splits.validation),
  };
  return (await claim.arms[arm](context)).values;
}

/** Trains a configuration in the folder that is its own, goes on with it, or reads what it came to. */
async function runTraining(session: ClaimSession, name: string, config: Config): Promise<ClaimRun> {
  const { claim, workdir, engine, signal } = session;
  const hash = createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, HASH);
  const folder = join(workdir, `${name}-${hash}`);
  const diverged = join(folder, "diverged.json");
  const worst = { diverged: 1, [claim.metric]: claim.maximize ? 0 : Infinity };
  const outcome = async (result: TrainResult): Promise<ClaimRun> => {
    const values = await valuesOf(result, folder, config.batchSize);
    // The last steps may have been too few to stop it; a file says null for what is not a number.
    const isSound = values.loss === undefined || Number.isFinite(values.loss);
    return { folder, values: isSound ? values : worst };
  };
  if (existsSync(diverged)) return { folder, values: worst };
  const before = await readResult(folder);
  if (before) return await outcome(before);
  const reporter = quiet(session.reporter, name);
  try {
    const options = { engine, signal, reporter };
    const begun = existsSync(join(folder, "config.json"));
    const result = await (begun
      ? resume(folder, options)
      : train(config, { ...options, workdir: folder }));
    if (result.interrupted) throw new Interrupted();
    return await outcome(result);
  } catch (error) {
    if (!(error instanceof OcelliError) || error.code !== "diverged") throw error;
    await writeAtomically(diverged, `${JSON.stringify({ message: error.message })}\n`);
    return { folder, values: worst };
  }
}

async function readResult(folder: string): Promise<TrainResult | undefined> {
  const text = await readFile(join(folder, "result.json"), "utf8").catch(() => undefined);
  const result = text === undefined ? undefined : (JSON.parse(text) as TrainResult);
  return result?.interrupted ? undefined : result;
}

/** What a finished training measured, with its size and speed. */
async function valuesOf(
  { evals, parameters, steps }: TrainResult,
  folder: string,
  batchSize: number,
): Promise<ClaimValues> {
  const [values = {}] = Object.values(evals);
  return { ...values, parameters, steps, msPerStep: await stepTime(folder, batchSize) };
}

/** Milliseconds of a step, the median over the reports of a run after its first. */
async function stepTime(folder: string, batchSize: number): Promise<number> {
  const text = await readFile(join(folder, "metrics.jsonl"), "utf8").catch(() => "");
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
  line: () => undefined,
  status: (text) => reporter.status(`${name}: ${text}`),
});
