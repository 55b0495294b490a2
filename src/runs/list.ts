/** @file Lists of runs: found, filtered, sorted, and shown as a table. */

import { textTable } from "../columns.ts";
import { OcelliError } from "../errors.ts";
import { valueName } from "./headline.ts";
import { checkKeys, matches, parseQuery } from "./list-query.ts";
import { showNumber, showTime, showValue } from "./list-show.ts";
import { sortRuns } from "./list-sort.ts";
import { type RunSummary, findRuns, readRun, runFolder } from "./read.ts";

/** What to list, and how. */
export interface ListOptions {
  /** A query as {@link parseQuery} reads it. */
  readonly filter?: string;
  /** A column, a configuration's key or a metric. Default: the last written first. */
  readonly sort?: string;
}

/** Runs read at a time. */
const AT_ONCE = 16;

/**
 * The runs at or below a folder.
 *
 * @throws an argument error for a folder that is not there, or a key that no run has
 */
export async function listRuns(dir: string, options: ListOptions = {}): Promise<RunSummary[]> {
  const { filter = "", sort = "updated" } = options;
  const conditions = parseQuery(filter);
  const folders = await findRuns(dir);
  const runs: RunSummary[] = [];
  for (let i = 0; i < folders.length; i += AT_ONCE) {
    const some = folders.slice(i, i + AT_ONCE);
    runs.push(...(await Promise.all(some.map((folder) => readRun(folder, dir)))));
  }
  checkKeys([...conditions.flatMap(({ key }) => key ?? []), sort], runs);
  return sortRuns(
    runs.filter((run) => matches(run, conditions)),
    sort,
  );
}

/** The list as lines of text, a head first. */
export function runsTable(runs: readonly RunSummary[]): string[] {
  const metrics = new Set(runs.flatMap(({ headline }) => headline?.metric ?? []).map(valueName));
  metrics.delete("loss"); // which has a column of its own
  const [one = "headline", ...others] = metrics;
  const shown = others.length === 0 ? one : "headline";
  const head = ["name", "state", "step", shown, "loss", "time", "model", "engine"];
  const rows = runs.map((run) => [
    run.name,
    run.state,
    run.totalSteps === undefined || run.totalSteps === run.step
      ? String(run.step)
      : `${run.step}/${run.totalSteps}`,
    headlineCell(run, shown),
    run.loss === undefined ? "–" : `${showNumber(run.loss)}${ofTraining(run)}`,
    run.seconds === undefined ? "–" : showTime(run.seconds),
    run.state === "unreadable" ? run.why : run.model,
    run.engine,
  ]);
  return textTable([head, ...rows], [2, 3, 4, 5]);
}

/** A run's headline, with its name where the column's is another. */
function headlineCell(run: RunSummary, column: string): string {
  if (!run.headline) return "–";
  const name = valueName(run.headline.metric);
  if (name === "loss") return "–";
  const value = showValue(name, run.headline.value);
  return `${name === column ? "" : `${name} `}${value}${ofTraining(run)}`;
}

const ofTraining = ({ measured }: RunSummary): string => (measured === "training" ? " train" : "");

/** The runs of these folders, each named as it was given; fewer than two cannot be compared. */
export async function namedRuns(folders: readonly string[]): Promise<RunSummary[]> {
  if (folders.length < 2) {
    throw new OcelliError("argument", "compare needs at least two runs.", {
      hint: "Write: ocelli runs compare RUN RUN….",
    });
  }
  return Promise.all(
    folders.map(async (folder) => {
      const run = await readRun(await runFolder(folder));
      if (run.state !== "unreadable") return { ...run, name: folder };
      throw new OcelliError("data", `${folder} cannot be read: ${run.why}.`);
    }),
  );
}
