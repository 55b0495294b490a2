/** @file Sweeps: one recipe trained with many settings, from a grid or at random, and a table of how they did. */

import { join } from "node:path";
import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { readOwn, writeAtomically } from "../files.ts";
import { seededRandom } from "../random.ts";
import {
  type HeadlineRule,
  FIRST_RULE,
  headlineOf,
  inOrder,
  measuredBy,
  valueName,
} from "../runs/headline.ts";
import { moreIsBetter } from "../runs/list-show.ts";
import { tellParts } from "../runs/forecast.ts";
import { inLockedFolder } from "../runs/lock/lock.ts";
import { type Config, configSchema } from "../config/config.ts";
import { override } from "../config/overrides.ts";
import type { Reporter } from "../train/watch/progress.ts";
import { use } from "../config/use.ts";
import { validate } from "../config/validate.ts";
import { objectiveDefinition } from "../objectives/index.ts";
import { taskDefinition } from "../tasks/index.ts";
import { trainOnce } from "../train/once.ts";
import type { RunOptions, TrainResult } from "../train/train.ts";

const valueSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);

const rangeSchema = z.strictObject({
  min: z.number(),
  max: z.number(),
  /** Drawn evenly on a logarithmic scale. */
  log: z.boolean().default(false),
  /** Whole numbers only. */
  integer: z.boolean().default(false),
});

/** The schema of a sweep. */
const sweepSchema = z.strictObject({
  /** Names the folder of the runs. */
  name: z.string().regex(/^[\w.-]+$/, { message: "letters, digits, dots, dashes, underscores" }),
  /** The configuration that every trial begins with. */
  base: z.record(z.string(), z.unknown()),
  /** Values by the name of a setting; every combination is tried. */
  grid: z.record(z.string(), z.array(valueSchema).min(1)).default({}),
  /** Ranges, or values to choose from, by the name of a setting; drawn anew for every trial. */
  random: z.record(z.string(), z.union([rangeSchema, z.array(valueSchema).min(1)])).default({}),
  /** How often `random` is drawn, for every combination of the grid. */
  trials: z.int().min(1).default(1),
  /** Decides what is drawn. */
  seed: z.int().min(0).default(0),
  /**
   * What the table is sorted by, the best first: a value of the first evaluation that has it, or `NAME/VALUE`. Default:
   * the headline of the task.
   */
  metric: z.string().optional(),
  /** Whether more of the metric is better. Default: what its name or the task says, and true where neither does. */
  maximize: z.boolean().optional(),
});

/** A sweep as one writes it. */
export type SweepInput = z.input<typeof sweepSchema>;
/** A sweep with its defaults filled in. */
export type Sweep = z.output<typeof sweepSchema>;
type Value = z.output<typeof valueSchema>;
type Settings = Readonly<Record<string, Value>>;

/** How one trial did. */
export interface Trial {
  readonly folder: string;
  readonly settings: Settings;
  readonly value: number;
  /** Of the evaluation that the value is of: among equal values the least loss is the best. */
  readonly loss?: number;
  readonly seconds: number;
}

/** How a sweep did. */
export interface SweepResult {
  readonly workdir: string;
  readonly metric: string;
  /** The trials that are done, the best first. */
  readonly trials: readonly Trial[];
  readonly total: number;
  readonly interrupted: boolean;
}

/**
 * Checks a sweep: what a recipe for one exports.
 *
 * @throws a configuration error of one line, with the nearest valid names
 * @example
 * export default defineSweep({ name: "rates", base: quickstart, grid: { lr: [1e-3, 2e-3] } });
 */
export function defineSweep(sweep: SweepInput): SweepInput {
  const checked = validate(sweepSchema, sweep);
  if ([...Object.keys(checked.grid), ...Object.keys(checked.random)].length === 0) {
    throw new OcelliError("config", "a sweep needs settings to vary, in grid or random.");
  }
  return sweep;
}

/** The settings of every trial: each combination of the grid, with as many draws as the sweep says. */
export function sweepTrials({ grid, random, trials, seed }: Sweep): Settings[] {
  let combinations: Settings[] = [{}];
  for (const [name, values] of Object.entries(grid)) {
    combinations = combinations.flatMap((some) =>
      values.map((value) => ({ ...some, [name]: value })),
    );
  }
  const draws = Object.keys(random).length > 0 ? trials : 1;
  return combinations.flatMap((combination) =>
    Array.from({ length: draws }, (_, draw) => ({
      ...combination,
      ...Object.fromEntries(
        Object.entries(random).map(([name, range]) => {
          return [name, drawFrom(range, seededRandom("sweep", seed, draw, name).uniform())];
        }),
      ),
    })),
  );
}

function drawFrom(range: Sweep["random"][string], uniform: number): Value {
  if (Array.isArray(range)) return range[Math.floor(uniform * range.length)];
  const { min, max, log, integer } = range;
  if (min > max || (log && min <= 0)) {
    const valid = log ? "0 < min ≤ max for a logarithmic range" : "min ≤ max";
    throw new OcelliError("config", `a range goes from ${min} to ${max}; it needs ${valid}.`);
  }
  const drawn = log
    ? Math.exp(Math.log(min) + uniform * (Math.log(max) - Math.log(min)))
    : min + uniform * (max - min);
  return integer ? Math.min(max, Math.round(drawn)) : Number(drawn.toPrecision(4));
}

/**
 * Trains every trial of a sweep, one after the other, each in a run folder of its own below the sweep's. Begun again in
 * the same folder, it resumes: trials that are done are read, one that was stopped is resumed.
 *
 * @throws an argument error where the folder holds another sweep, or is being written; what {@link train} throws
 */
export async function sweep(
  input: SweepInput,
  {
    workdir,
    reporter,
    ...options
  }: Omit<RunOptions, "cluster"> & { readonly workdir?: string } = {},
): Promise<SweepResult> {
  use(options.use ?? []);
  const spec = validate(sweepSchema, defineSweep(input));
  const folder = workdir ?? join("runs", spec.name);
  const settings = sweepTrials(spec);
  const configs = settings.map((some) => configOf(spec, some)); // all are checked before the first is trained
  return inLockedFolder(folder, { report: (line) => reporter?.line(line) }, async () => {
    await claim(folder, spec);
    return runTrials(spec, folder, { settings, configs }, { ...options, reporter });
  });
}

/** Trains what is not trained yet. */
async function runTrials(
  spec: Sweep,
  folder: string,
  { settings, configs }: { settings: readonly Settings[]; configs: readonly Config[] },
  { reporter, ...options }: RunOptions,
): Promise<SweepResult> {
  const trials: Trial[] = [];
  let interrupted = false;
  let judged: HeadlineRule = ruleOf(spec, configs[0]);
  const tellTime = tellParts((text) => reporter?.line(text), "trial");
  for (const [i, config] of configs.entries()) {
    const run = join(folder, `trial-${String(i + 1).padStart(String(configs.length).length, "0")}`);
    reporter?.line(`trial ${i + 1} of ${configs.length}: ${showSettings(settings[i])}`);
    const left = configs.length - i;
    const expect = (seconds: number): void => tellTime(seconds, left);
    const telling = reporter && { ...quiet(reporter), expect };
    const result = await trainOnce(run, config, { ...options, reporter: telling });
    if (result.interrupted) {
      interrupted = true;
      break;
    }
    const { rule, value, loss } = metricOf(result, config, spec);
    judged = rule;
    reporter?.line(
      `  ${valueName(rule.metric)} ${value.toPrecision(5)} in ${result.seconds.toFixed(0)} s`,
    );
    tellTime(result.seconds, left - 1);
    trials.push({ folder: run, settings: settings[i], value, loss, seconds: result.seconds });
    const sorted = bestFirst(trials, judged);
    await writeAtomically(join(folder, "table.json"), `${JSON.stringify(sorted, null, 2)}\n`);
  }
  return {
    workdir: folder,
    metric: judged.metric,
    trials: bestFirst(trials, judged),
    total: configs.length,
    interrupted,
  };
}

const bestFirst = (trials: readonly Trial[], { better }: HeadlineRule): Trial[] =>
  trials.toSorted(
    (a, b) =>
      (better === "higher" ? b.value - a.value : a.value - b.value) ||
      (a.loss ?? 0) - (b.loss ?? 0),
  );

/** What trials are compared by: what the sweep says, or else what the task is judged by. */
function ruleOf({ metric, maximize }: Sweep, { objective }: Config): HeadlineRule {
  const usual = taskDefinition(objectiveDefinition(objective.name).task).headline;
  if (metric === undefined) return withDirection(usual, maximize);
  const isUsual = valueName(metric) === usual.metric;
  const isMore = isUsual ? usual.better === "higher" : (moreIsBetter(metric) ?? true);
  return withDirection({ metric, better: isMore ? "higher" : "lower" }, maximize);
}

const withDirection = (rule: HeadlineRule, maximize: boolean | undefined): HeadlineRule =>
  maximize === undefined ? rule : { ...rule, better: maximize ? "higher" : "lower" };

/** Settings for people. */
export const showSettings = (settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} ${value}`)
    .join(" · ");

function configOf({ base, name }: Sweep, settings: Settings) {
  const changed = Object.entries(settings).reduce<unknown>(
    (config, [path, value]) =>
      override(
        configSchema(),
        config,
        path,
        typeof value === "string" ? value : JSON.stringify(value),
      ),
    { ...base, name },
  );
  return validate(configSchema(), changed);
}

/** Makes the sweep's folder its own, or checks that it is. */
async function claim(folder: string, spec: Sweep): Promise<void> {
  const path = join(folder, "sweep.json");
  const text = textOf(spec);
  const before = await readOwn(path).then(String, () => undefined);
  if (before === text || before === textOf(withOldDefaults(spec))) return;
  if (before !== undefined) {
    throw new OcelliError("argument", `${folder} holds another sweep.`, {
      hint: "Choose another --workdir.",
    });
  }
  await writeAtomically(path, text);
}

const textOf = (spec: Sweep): string => `${JSON.stringify(spec, null, 2)}\n`;

/** A sweep as its folder has it from when every sweep named a metric. */
const withOldDefaults = ({
  metric = FIRST_RULE.metric,
  maximize = true,
  ...spec
}: Sweep): Sweep => ({
  ...spec,
  metric,
  maximize,
});

type TrialResult = Pick<TrainResult, "evals" | "seconds" | "interrupted">;

/**
 * The value of a trial and what it is of: a metric of the first evaluation that has it, in the order of the
 * configuration, with that evaluation's loss; `NAME/METRIC` is of the evaluation NAME. Where the sweep names none, the
 * headline.
 */
function metricOf({ evals }: TrialResult, config: Config, spec: Sweep) {
  const ordered = inOrder(evals, Object.keys(config.evals ?? {}));
  const rule = ruleOf(spec, config);
  const { metric } = rule;
  const usual = spec.metric === undefined ? headlineOf(ordered, rule) : undefined;
  if (usual) {
    const { value, better } = usual.headline;
    const named = { metric: valueName(usual.headline.metric), better };
    return { rule: named, value, loss: ordered[usual.evaluation].loss as number | undefined };
  }
  const found = measuredBy(ordered, metric);
  if (found) return { rule, ...found };
  const valid = Object.entries(ordered).flatMap(([of, values]) =>
    Object.keys(values).map((key) => `${of}/${key}`),
  );
  throw new OcelliError("config", `no evaluation has "${metric}".`, {
    given: metric,
    valid,
    hint: `There are ${valid.join(", ")}.`,
  });
}

/** A trial's progress, without its lines. */
const quiet = (reporter: Reporter): Reporter => ({
  ...reporter,
  line: () => undefined,
  status: (text) => reporter.status(text),
});
