/** @file A claim's result as Markdown, and its place in a room's README. */

import { OcelliError } from "../errors.ts";
import { FIRST_RULE } from "../runs/headline.ts";
import { isShare, moreIsBetter } from "../runs/list-show.ts";
import type { ArmResult, ClaimResult } from "./result.ts";
import type { Claim } from "./define.ts";

/** Where a claim's table stands in its room's README. */
const markers = (claim: string): [begin: string, end: string] => [
  `<!-- claim ${claim}: begin -->`,
  `<!-- claim ${claim}: end -->`,
];

/** Values between 0 and 1 that are shown as percent. */
const isPercent = (name: string): boolean => isShare(name) && moreIsBetter(name) === true;

/** The table of a claim: a row for each arm, then what the comparisons came to. */
export function claimTable(claim: Claim, result: Omit<ClaimResult, "table">): string {
  const { arms, checks, scale, seeds } = result;
  const { metric, columns, tune } = claim;
  const names = [metric, ...columns.filter((name) => name !== metric)];
  const settings = Object.keys(tune);
  const rows = Object.entries(arms).map(([arm, one]) => [
    arm,
    ...names.map((name) => cell(name, one)),
    ...settings.map((name) => String(one.tuned[name] ?? "–")),
  ]);
  const verdict = (holds: boolean, isOpen: boolean): string => {
    if (scale === "quick") return holds ? "in direction" : "not in direction";
    return `${holds ? "yes" : "no"}${isOpen ? ", within its error" : ""}`;
  };
  const share = isPercent(metric)
    ? `${metric === FIRST_RULE.metric ? "accuracies" : metric} in %, `
    : "";
  return [
    `${scale === "full" ? "Full" : "Quick"} claim: ${share}${seedsText(seeds)}.`,
    "",
    ...markdownTable(["arm", ...names, ...settings], rows),
    "",
    ...(scale === "full" ? settings.flatMap((name) => atEdge(name, tune[name], arms)) : []),
    ...markdownTable(
      ["decided before the first full run", "difference", "needed", "holds"],
      checks.map(({ text, mean, error, margin, holds, isOpen }) => [
        text,
        seeds.length > 1 ? `${number(mean)} ± ${number(error)}` : number(mean),
        scale === "full" || margin < 0 ? `≥ ${number(margin)}` : "> 0",
        verdict(holds, isOpen),
      ]),
    ),
    ...(seeds.length > 1
      ? ["", "Differences are means over the seeds ± their standard error."]
      : []),
  ].join("\n");
}

/** A paragraph that names the arms whose best setting lies at an end of what was tried: more may have been gained beyond. */
function atEdge(
  setting: string,
  tried: readonly number[],
  arms: Readonly<Record<string, ArmResult>>,
): string[] {
  const ends = [Math.min(...tried), Math.max(...tried)];
  if (ends[0] === ends[1]) return [];
  const took = (end: number): string[] =>
    Object.keys(arms).filter((arm) => arms[arm].tuned[setting] === end);
  const tuned = Object.values(arms).filter((one) => setting in one.tuned).length;
  return ["lowest", "highest"].flatMap((which, i) => {
    const names = took(ends[i]);
    if (names.length === 0) return [];
    const who = names.length === tuned ? "All arms" : names.join("; ");
    return [`At the ${which} ${setting} that was tried (${ends[i]}): ${who}.`, ""];
  });
}

const seedsText = (seeds: readonly number[]): string =>
  seeds.length === 1 ? "one seed" : `mean ± standard deviation of ${seeds.length} seeds`;

/** One value of an arm over its seeds. */
function cell(name: string, { values }: ArmResult): string {
  const numbers = values.map((one) => one[name] as number | undefined);
  const diverged = values.filter((one) => one.diverged).length;
  const note = diverged > 0 ? ` (${diverged} of ${values.length} diverged)` : "";
  const known = numbers.filter((value) => value !== undefined && Number.isFinite(value));
  if (known.length === 0) return `–${note}`;
  const factor = isPercent(name) ? 100 : 1;
  const scaled = known.map((value) => value! * factor);
  if (factor === 1 && Number.isInteger(scaled[0]) && scaled.every((x) => x === scaled[0])) {
    return `${scaled[0]}${note}`; // a count, the same for every seed
  }
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const squares = scaled.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = scaled.length > 1 ? Math.sqrt(squares / (scaled.length - 1)) : 0;
  const digits = factor === 100 ? 2 : digitsOf(mean);
  const shown = mean.toFixed(digits);
  return `${scaled.length > 1 ? `${shown} ± ${deviation.toFixed(digits)}` : shown}${note}`;
}

const digitsOf = (mean: number): number => (Math.abs(mean) < 10 ? 3 : Math.abs(mean) < 100 ? 1 : 0);

const number = (value: number): string => String(Number(value.toPrecision(3)));

/** A Markdown table with aligned columns. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((name, i) => Math.max(3, name.length, ...rows.map((r) => r[i].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => text.padEnd(widths[i])).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}

/** A claim's table as it stands in a README; undefined where there is none. */
export function tableIn(readme: string, claim: string): string | undefined {
  const [begin, end] = markers(claim);
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  const found = from < 0 || to < from ? "" : readme.slice(from + begin.length, to).trim();
  return found === "" ? undefined : found;
}

/**
 * A README with a claim's table between its markers.
 *
 * @throws a data error where it has no markers
 */
export function withTable(readme: string, claim: string, table: string): string {
  const [begin, end] = markers(claim);
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) {
    throw new OcelliError("data", `the README has no place for the table of ${claim}.`, {
      hint: `Put ${begin} and ${end} into it, a line each.`,
    });
  }
  return `${readme.slice(0, from + begin.length)}\n\n${table}\n\n${readme.slice(to)}`;
}
