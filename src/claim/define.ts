/** @file What a claim is: arms trained alike on real data, and the comparisons that were decided before the runs. */

import type { DataConfig } from "../data/config.ts";
import { OcelliError } from "../errors.ts";
import { type EvaluatorConfig, classification } from "../evaluate/index.ts";
import type { Recipe } from "../config/config.ts";
import { FIRST_RULE } from "../runs/headline.ts";
import { moreIsBetter } from "../runs/list-show.ts";

/** `quick`: one seed, the direction only. `full`: every seed, after tuning, with the margins. */
export type ClaimScale = "quick" | "full";

/** Measurements by name; accuracies from 0 to 1. */
export type ClaimValues = Readonly<Record<string, number>>;

/** A training's configuration in a claim: data, seed, splits and evaluations are the claim's unless given. */
export type ClaimRecipe = Omit<Recipe, "name" | "seed" | "evals"> & {
  readonly data?: DataConfig;
};

/** What one training of a claim came to. */
export interface ClaimRun {
  /**
   * The evaluation's values, and `parameters`, `steps`, `msPerStep`; of a diverged training `diverged: 1` and the worst
   * value of the metric.
   */
  readonly values: ClaimValues;
  /** The run folder; for a later training's `init`, or to measure more. */
  readonly folder: string;
}

/** Settings that are tuned: what is tried of each, the one that a quick claim takes first. */
export type Tuning = Readonly<Record<string, readonly number[]>>;

/** What an arm is given. */
export interface ArmContext<T extends Tuning = Tuning> {
  readonly scale: ClaimScale;
  readonly seed: number;
  /** The settings to train with: those being tried, or those chosen for this arm. */
  readonly tuned: { readonly [Name in keyof T]: number };
  /** The data: the claim's, or that of `--data`. */
  readonly data: DataConfig;
  /** Where the last training is judged: the validation split while settings are tried, then the test split. */
  readonly held: string;
  readonly splits: ClaimSplits;
  /** The engine that the command line names. */
  readonly engine: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** An arm's last training, judged on `held`; `name` tells several of one arm apart. */
  train(config: ClaimRecipe, name?: string): Promise<ClaimRun>;
  /**
   * A training before the last, such as pre-training or a teacher: judged on the validation split, and trained once for
   * all arms that ask for the same.
   */
  stage(name: string, config: ClaimRecipe): Promise<ClaimRun>;
  /**
   * How well the frozen features of a training tell the classes of `held` apart: `knn20`, `knn1`, `linear` and the rest of
   * {@link ProbedModel}, learned from `options.split` (default: the training split); each probe is read once and kept.
   */
  probe(run: ClaimRun, options?: ClaimProbe): Promise<ClaimValues>;
}

/** What a probe learns from. */
export interface ClaimProbe {
  /** Default: the claim's training split. */
  readonly split?: string;
  /** Examples of each class, picked by the claim's seed. Default: all. */
  readonly shots?: number;
}

/** One side of a comparison: trains, and gives back what was measured. */
export type Arm<T extends Tuning = Tuning> = (
  context: ArmContext<T>,
) => Promise<{ readonly values: ClaimValues }>;

/** A comparison: it holds where the mean of `difference` over the seeds is at least `margin`. */
export interface Check {
  /** What is compared, as one sentence. */
  readonly text: string;
  /** From the arms' values with one seed; `of` gives an arm's metric, or another of its values. */
  difference(of: (arm: string, value?: string) => number): number;
  /** In the units of `difference`. A quick claim asks for more than 0, or for the margin where that is negative. */
  readonly margin: number;
}

/** A plot of values over what was varied between arms; the page of claims draws it with standard errors. */
export interface ClaimPlot {
  readonly title: string;
  /** What is varied, with its unit. */
  readonly axis: string;
  /** Whether the axis is logarithmic; default: false. */
  readonly log?: boolean;
  /** The arms of each line, by where they stand on the axis. */
  readonly lines: Readonly<Record<string, readonly PlotPoint[]>>;
}

/** A point of a plot: an arm's metric, or another of its values. */
export interface PlotPoint {
  readonly x: number;
  readonly arm: string;
  readonly value?: string;
}

/** Which examples are for what; slices of `train~` are drawn by hashing ids. */
export interface ClaimSplits {
  readonly train: string;
  /** For choosing settings, never the result. */
  readonly validation: string;
  /** Read once, by the last training of each arm and seed. */
  readonly test: string;
}

const SPLITS: ClaimSplits = {
  train: "train~[10%:]",
  validation: "train~[:10%]",
  test: "test",
};

/** A claim as a room's `claim.ts` states it. */
export interface ClaimInput<T extends Tuning = Tuning> {
  /** The room's name. */
  readonly name: string;
  /** What the paper says, in one sentence. */
  readonly headline: string;
  /** The data, or several of which the first that is here is taken. */
  readonly data: DataConfig | readonly DataConfig[];
  /** The last tenth by hash chooses settings, the other nine train, `test` judges, unless given. */
  readonly splits?: ClaimSplits;
  /** The evaluator that judges arms, such as `knn`, which learns from the training split. Default: that of classifiers. */
  readonly evaluator?: EvaluatorConfig["type"];
  /** The value that arms are compared and tuned by. Default: accuracy. */
  readonly metric?: string;
  /** Whether more of it is better. Default: what its name says, and true where it says nothing. */
  readonly maximize?: boolean;
  /** Further values that the table shows. */
  readonly columns?: readonly string[];
  /** Seeds of the full claim. Default: 0, 1 and 2. A quick one takes the first. */
  readonly seeds?: readonly number[];
  /** The budget, the same for every arm: each combination is trained once, with the first seed. */
  readonly tune?: T;
  readonly arms: Readonly<Record<string, Arm<T>>>;
  readonly checks: readonly Check[];
  /** Plots for the page of all claims, beside those of every arm and of every setting that was tried; default: none. */
  readonly plots?: readonly ClaimPlot[];
}

/** A claim with its defaults filled in. */
export type Claim = Required<ClaimInput>;

/**
 * Checks a claim and fills in its defaults: what a room's `claim.ts` exports.
 *
 * @throws a configuration error where it compares nothing
 * @example
 * const claim = defineClaim({
 *   name: "wider",
 *   headline: "A wider model is better.",
 *   data: { name: "mnist" },
 *   arms: {
 *     narrow: ({ train }) => train({ ...recipe, model: { name: "vit", width: 32 } }),
 *     wide: ({ train }) => train({ ...recipe, model: { name: "vit", width: 64 } }),
 *   },
 *   checks: [{ text: "wide over narrow", difference: (of) => of("wide") - of("narrow"), margin: 0.01 }],
 * });
 */
export function defineClaim<const T extends Tuning = Record<never, never>>(
  input: ClaimInput<T>,
): Claim {
  const { metric } = FIRST_RULE;
  const { name: evaluator } = classification;
  const claim = {
    splits: SPLITS,
    evaluator,
    metric,
    maximize: moreIsBetter(input.metric ?? metric) ?? true,
    columns: [],
    seeds: [0, 1, 2],
    tune: {},
    plots: [],
    ...input,
  } as unknown as Claim;
  const fail = (problem: string) => new OcelliError("config", `claim ${claim.name}: ${problem}`);
  if (Object.keys(claim.arms).length < 2) throw fail("it needs two arms to compare.");
  if (claim.checks.length === 0) throw fail("it needs a check that compares its arms.");
  if (claim.seeds.length === 0) throw fail("it needs a seed.");
  for (const [name, values] of Object.entries(claim.tune)) {
    if (values.length === 0) throw fail(`tune.${name} has no values to try.`);
  }
  for (const { title, lines } of claim.plots) {
    const known = Object.keys(claim.arms);
    const unknown = Object.values(lines)
      .flat()
      .find(({ arm }) => !known.includes(arm));
    if (unknown) throw fail(`the plot "${title}" names no arm: ${unknown.arm}.`);
  }
  return claim;
}
