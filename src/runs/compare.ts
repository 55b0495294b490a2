/** @file Runs side by side: where their configurations differ, and what came of it. */

import { moreIsBetter } from "./list-show.ts";
import { flatten } from "./read-config.ts";
import type { RunView } from "./read.ts";

/** A configuration's key, and its value in each run; undefined where a run has none. */
export interface ComparedSetting {
  readonly path: string;
  readonly values: readonly (string | number | boolean | undefined)[];
  readonly same: boolean;
}

/** A result, and its value in each run. */
export interface ComparedResult {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  /** The place of the best value; undefined where none is, or all are equal. */
  readonly best?: number;
}

/** What {@link compareRuns} yields; columns are in the order of the runs. */
export interface Comparison {
  readonly runs: readonly string[];
  readonly settings: readonly ComparedSetting[];
  readonly results: readonly ComparedResult[];
}

/** Compares runs: every setting, those that differ marked, and the results in a fixed order. */
export function compareRuns(runs: readonly RunView[]): Comparison {
  const configs = runs.map(({ config }) => flatten(config));
  const paths = [...new Set(configs.flatMap((config) => Object.keys(config)))];
  const results = runs.map(resultsOf);
  const names = [...new Set(results.flatMap((values) => Object.keys(values)))];
  return {
    runs: runs.map(({ name }) => name),
    settings: paths.map((path) => {
      const values = configs.map((config) =>
        Object.hasOwn(config, path) ? config[path] : undefined,
      );
      return { path, values, same: values.every((value) => value === values[0]) };
    }),
    results: names.map((name) => {
      const values = results.map((result) =>
        Object.hasOwn(result, name) ? result[name] : undefined,
      );
      return { name, values, best: bestOf(name, values) };
    }),
  };
}

/** The results of a run in the order of interest: evaluations, then training, then speed. */
function resultsOf({ values, step, seconds }: RunView): Record<string, number | undefined> {
  const entries = Object.entries(values);
  return {
    ...Object.fromEntries(entries.filter(([name]) => name.includes("/"))),
    ...Object.fromEntries(entries.filter(([name]) => !name.includes("/"))),
    step,
    seconds,
  };
}

function bestOf(name: string, values: readonly (number | undefined)[]): number | undefined {
  const more = moreIsBetter(name);
  const known = values.filter((value) => value !== undefined);
  if (more === undefined || known.length < 2) return undefined;
  const best = more ? Math.max(...known) : Math.min(...known);
  return known.every((value) => value === best) ? undefined : values.indexOf(best);
}
