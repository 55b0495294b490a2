/** @file Running a claim: settings tuned alike for every arm, then every arm with every seed, then the comparisons. */

import { join } from "node:path";
import { use } from "../config/use.ts";
import type { DataConfig } from "../data/config.ts";
import { firstHere } from "../data/first-here.ts";
import { OcelliError } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import { tellParts } from "../runs/forecast.ts";
import { inLockedFolder } from "../runs/lock/lock.ts";
import { SILENT } from "../train/watch/progress.ts";
import { sweepTrials } from "../sweep/sweep.ts";
import type { RunOptions } from "../train/train.ts";
import { type ClaimSession, Interrupted, runArm } from "./arm.ts";
import type { Check, Claim, ClaimScale, ClaimValues } from "./define.ts";
import { claimTable } from "./table.ts";
import type { ArmResult, CheckResult, ClaimResult, Spread, Tried } from "./result.ts";

/** Options of {@link runClaim}. */
export interface ClaimOptions extends Omit<RunOptions, "engine" | "cluster"> {
  /** The engine's name. Default: `auto`. */
  readonly engine?: string;
  /** Default: `quick`. */
  readonly scale?: ClaimScale;
  /** In place of the claim's own data. */
  readonly data?: DataConfig;
  /** The folder of its runs. Default: `runs/claims/NAME-SCALE`. A claim started there again resumes. */
  readonly workdir?: string;
}

/**
 * Runs a claim. Trainings that are done are read, so that a stopped claim resumes.
 *
 * @throws what {@link train} throws, except for trainings that diverge: these are results
 */
export async function runClaim(
  claim: Claim,
  { scale = "quick", workdir, ...options }: ClaimOptions = {},
): Promise<ClaimResult> {
  const began = performance.now();
  use(options.use ?? []);
  const session: ClaimSession = {
    claim,
    scale,
    data: options.data ?? (await firstHere(claim.data)),
    workdir: workdir ?? join("runs", "claims", `${claim.name}-${scale}`),
    engine: options.engine,
    signal: options.signal,
    reporter: options.reporter ?? SILENT,
  };
  const report = (line: string): void => session.reporter.line(line);
  return inLockedFolder(session.workdir, { report }, () => runSession(session, began));
}

async function runSession(session: ClaimSession, began: number): Promise<ClaimResult> {
  const { claim, scale } = session;
  const seeds = scale === "full" ? claim.seeds : claim.seeds.slice(0, 1);
  let arms: Readonly<Record<string, ArmResult>> = {};
  let interrupted = false;
  try {
    arms = await runArms(session, seeds);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interrupted = true;
  }
  const checks = interrupted ? [] : claim.checks.map((one) => judge(one, session, arms, seeds));
  const result = {
    claim: claim.name,
    headline: claim.headline,
    scale,
    metric: claim.metric,
    seeds,
    arms,
    checks,
    holds: !interrupted && checks.every(({ holds }) => holds),
    seconds: Math.round((performance.now() - began) / 100) / 10,
    workdir: session.workdir,
    interrupted,
  };
  const table = interrupted ? "" : claimTable(claim, result);
  if (!interrupted) {
    await writeAtomically(join(session.workdir, "table.md"), `${table}\n`);
    await writeAtomically(
      join(session.workdir, "claim.json"),
      `${JSON.stringify({ ...result, table })}\n`,
    );
  }
  return { ...result, table };
}

/** A session that says how long what is left of it will take, once. */
interface TimedSession extends ClaimSession {
  /** Counts trainings that are over, the last of which took so many seconds. */
  readonly over: (seconds: number, trainings?: number) => void;
}

/** A session that says how long what is left of its arms will take, once one of them is under way. */
function timed(session: ClaimSession, seeds: readonly number[]): TimedSession {
  const { claim, scale, reporter } = session;
  const combinations = combinationsOf(claim).length;
  const tried = scale === "quick" || combinations === 1 ? 0 : combinations;
  let left = Object.keys(claim.arms).length * (tried + seeds.length);
  const tell = tellParts((line) => reporter.line(line), "training");
  const expect = (seconds: number): void => tell(seconds, left);
  const over = (seconds: number, trainings = 1): void => {
    left -= trainings;
    tell(seconds, left);
  };
  return { ...session, reporter: { ...reporter, expect }, over };
}

async function runArms(given: ClaimSession, seeds: readonly number[]) {
  const arms: Record<string, ArmResult> = {};
  const session = timed(given, seeds);
  const { claim, scale } = session;
  const held = claim.splits.test;
  const chosen: Record<string, Chosen> = {};
  for (const arm of Object.keys(claim.arms)) chosen[arm] = await settingsOf(session, arm);
  for (const arm of Object.keys(claim.arms)) {
    const values: ClaimValues[] = [];
    const { tried } = chosen[arm];
    let tuned: Readonly<Record<string, number>> = {};
    for (const seed of seeds) {
      const found = await measured(session, { arm, seed, tuned: chosen[arm].tuned, held });
      values.push(found.values);
      tuned = found.settings;
    }
    const metric = spread(values.map((one) => valueOf(one, claim.metric, arm)));
    arms[arm] = { tuned, values, tried, metric };
  }
  session.reporter.line(`${scale} claim ${claim.name} is done`);
  return arms;
}

/** Settings that were chosen, and all that were tried. */
interface Chosen {
  readonly tuned: Record<string, number>;
  readonly tried: readonly Tried[];
}

/** The settings of an arm: the first ones of a quick claim, else the best on the validation split. */
async function settingsOf(session: TimedSession, arm: string): Promise<Chosen> {
  const { claim, scale } = session;
  const combinations = combinationsOf(claim);
  if (scale === "quick" || combinations.length === 1) return { tuned: combinations[0], tried: [] };
  const tried: Tried[] = [];
  let best: { tuned: Record<string, number>; value: number } | undefined;
  for (const tuned of combinations) {
    const held = claim.splits.validation;
    const found = await measured(session, { arm, seed: claim.seeds[0], tuned, held });
    const value = valueOf(found.values, claim.metric, arm);
    const better = !best || (claim.maximize ? value > best.value : value < best.value);
    if (better) best = { tuned, value };
    if (Object.keys(found.settings).length === 0) {
      session.over(0, combinations.length - 1); // nothing of it is tuned
      break;
    }
    tried.push({ tuned: found.settings, value });
  }
  return { tuned: best!.tuned, tried };
}

function combinationsOf({ name, tune }: Claim): Record<string, number>[] {
  const grid = Object.fromEntries(Object.entries(tune).map(([key, values]) => [key, [...values]]));
  const sweep = { name, base: {}, grid, random: {}, trials: 1, seed: 0 };
  return sweepTrials(sweep) as Record<string, number>[];
}

/** Runs an arm, and says what it came to. */
async function measured(session: TimedSession, one: Parameters<typeof runArm>[1]) {
  const { claim, reporter } = session;
  const began = performance.now();
  const { values, settings } = await runArm(session, one);
  const took = (performance.now() - began) / 1000;
  session.over(took);
  const value = valueOf(values, claim.metric, one.arm);
  const how = values.diverged ? "diverged" : `${claim.metric} ${value.toPrecision(4)}`;
  const seconds = took.toFixed(0);
  const given = Object.entries(settings).map(([name, number]) => `${name} ${number}`);
  const what = [one.arm, `seed ${one.seed}`, ...given].join(" · ");
  const where = one.held === claim.splits.test ? "" : " (validation)";
  reporter.line(`${what}: ${how}${where}, ${seconds} s`);
  return { values, settings };
}

function valueOf(values: ClaimValues, name: string, arm: string): number {
  if (Object.hasOwn(values, name)) return values[name];
  if (values.diverged) return NaN;
  throw new OcelliError("config", `the arm ${arm} has no value "${name}".`, {
    given: name,
    valid: Object.keys(values),
    hint: `It has ${Object.keys(values).join(", ")}.`,
  });
}

function judge(
  { text, difference, margin }: Check,
  { claim, scale }: ClaimSession,
  arms: Readonly<Record<string, ArmResult>>,
  seeds: readonly number[],
): CheckResult {
  const differences = seeds.map((_, i) =>
    difference((arm, value = claim.metric) => {
      if (!Object.hasOwn(arms, arm)) {
        throw new OcelliError("config", `claim ${claim.name}: "${text}" names no arm: ${arm}.`);
      }
      return valueOf(arms[arm].values[i], value, arm);
    }),
  );
  const { mean, deviation, error } = spread(differences);
  const needed = scale === "full" || margin < 0 ? margin : 0;
  const holds = needed === 0 && scale === "quick" ? mean > 0 : mean >= needed;
  return { text, margin, mean, deviation, error, holds, isOpen: Math.abs(mean - needed) < error };
}

/** The mean, the sample's standard deviation and the mean's standard error. */
export function spread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0;
  return { mean, deviation, error: deviation / Math.sqrt(values.length) };
}
