/** @file `ocelli runs`: what was trained, listed and compared. */

import { cutText, textTable } from "../columns.ts";
import { OcelliError } from "../errors.ts";
import { compareRuns } from "../runs/compare.ts";
import { showTime, showValue } from "../runs/list-show.ts";
import { listRuns, namedRuns, runsTable } from "../runs/list.ts";
import type { Command, Output } from "./command.ts";

/** Wide enough for a path or a number; longer values are cut. */
const WIDEST = 40;

export const runs: Command = {
  name: "runs",
  summary: "List or compare runs",
  operands: "[DIR] | compare RUN RUN…",
  arity: [0, Infinity],
  flags: {
    sort: {
      type: "text",
      value: "KEY",
      help: "column, metric or setting to sort by (default: updated)",
    },
    filter: {
      type: "text",
      value: "KEY=VALUE",
      help: "condition: =, !=, <, >, <=, >=, ~ (contains), or a word",
    },
  },
  examples: [
    "ocelli runs",
    "ocelli runs runs/sweep --sort accuracy --filter 'optimizer.lr>=1e-3 state=finished'",
    "ocelli runs compare runs/quickstart runs/quickstart-2",
  ],
  async run({ operands: [first = "runs", ...rest], texts }, output) {
    if (first === "compare") return compare(rest, output);
    if (rest.length > 0) {
      throw new OcelliError("argument", `"${rest[0]}" is too much; ocelli runs takes one folder.`, {
        hint: "To compare: ocelli runs compare RUN RUN….",
      });
    }
    const filter = texts.get("filter");
    const found = await listRuns(first, { sort: texts.get("sort"), filter });
    if (found.length === 0) {
      output.line(filter ? `no run in ${first} meets ${filter}` : `there are no runs in ${first}`);
    } else for (const line of runsTable(found)) output.line(line);
    return { runs: found };
  },
};

async function compare(folders: readonly string[], output: Output) {
  const comparison = compareRuns(await namedRuns(folders));
  const cut = (text: string): string => cutText(text, WIDEST);
  const differing = comparison.settings.filter(({ same }) => !same);
  const settings = differing.map(({ path, values }) => [
    path,
    ...values.map((value) => (value === undefined ? "–" : cut(String(value)))),
  ]);
  const results = comparison.results.map(({ name, values, best }) => [
    name,
    ...values.map((value, k) => {
      if (value === undefined) return "–";
      const shown = name === "seconds" ? showTime(value) : showValue(name, value);
      return best === k ? `* ${shown}` : shown;
    }),
  ]);
  if (settings.length === 0) output.line("the configurations are the same");
  const rows = [["", ...comparison.runs], ...settings, ["", ...folders.map(() => "")], ...results];
  for (const line of textTable(
    rows,
    folders.map((_, k) => k + 1),
  ))
    output.line(line);
  output.line("* the best of its row");
  return comparison;
}
