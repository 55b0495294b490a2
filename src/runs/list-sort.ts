/** @file The order of runs in a list; no file is read, so that the page sorts as the terminal does. */

import { type Field, fieldsNamed, fieldsOf } from "./list-query.ts";
import { valueName } from "./headline.ts";
import { moreIsBetter } from "./list-show.ts";
import type { RunCard, RunView } from "./read.ts";

/** Runs by a key, the best or newest first; those without it last. */
export function sortRuns<T extends RunCard & Partial<RunView>>(
  runs: readonly T[],
  key: string,
): T[] {
  const last = key.slice(key.lastIndexOf("/") + 1);
  const downwards = key === "updated" || key === "step" || isMore(runs, last);
  const sign = downwards ? -1 : 1;
  const value = new Map(runs.map((run) => [run, fieldsNamed(fieldsOf(run), key).at(0)]));
  return [...runs].sort((a, b) => {
    const [x, y] = [value.get(a), value.get(b)];
    if (x === undefined || y === undefined)
      return Number(x === undefined) - Number(y === undefined);
    return sign * compareFields(x, y) || compareFields(a.name, b.name);
  });
}

/** Whether more of a value is better: as the runs that are known by it say, or else its name. */
function isMore(runs: readonly RunCard[], key: string): boolean {
  const named = runs.find(
    ({ headline }) => headline && ["headline", valueName(headline.metric)].includes(key),
  );
  return named ? named.headline!.better === "higher" : moreIsBetter(key) === true;
}

function compareFields(a: Field, b: Field): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [x, y] = [String(a), String(b)];
  return x < y ? -1 : Number(x > y);
}
