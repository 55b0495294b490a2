/** @file What `ocelli predict` saw in many images, counted by class. */

import { cutText, textTable } from "../columns.ts";
import type { Answer } from "../tasks/index.ts";
import { printableName } from "./printable.ts";

/** Below this probability of its class an image counts as uncertain. */
const SURE = 0.5;
/** Classes in the table; the others are counted together. */
const ROWS = 20;
const NAME = 40;

/** Predictions counted. */
export interface PredictSummary {
  /** How many images each class was the most probable one of, the most frequent first. */
  readonly classes: Readonly<Record<string, number>>;
  /** Of these, how many have a class with a probability below 50 %. */
  readonly uncertain: number;
}

/** Counts answers as they come. */
export class PredictTally {
  readonly #counts = new Map<string, number>();
  #uncertain = 0;

  add(answer: Answer): void {
    if (answer.kind !== "ranked" || answer.ranked.length === 0) return;
    const [{ name, score }] = answer.ranked;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    if (!(score >= SURE)) this.#uncertain++;
  }

  /** The counts; undefined where no answer is a class. */
  get summary(): PredictSummary | undefined {
    if (this.#counts.size === 0) return undefined;
    const sorted = [...this.#counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return { classes: Object.fromEntries(sorted), uncertain: this.#uncertain };
  }
}

/** The counts as lines: of each class, uncertain, unreadable. */
export function summaryLines(
  summary: PredictSummary | undefined,
  { count, skipped }: { readonly count: number; readonly skipped: number },
): string[] {
  const total = `${count.toLocaleString("en")} ${count === 1 ? "image" : "images"}`;
  const unreadable = `${skipped.toLocaleString("en")} that cannot be read`;
  if (!summary) return ["", `summary: ${total}, and ${unreadable}`];
  const all = Object.entries(summary.classes);
  const rest = all.slice(ROWS);
  const others = rest.reduce((sum, [, n]) => sum + n, 0);
  const rows = [
    ...all.slice(0, ROWS).map(([name, n]) => [cutText(printableName(name), NAME), String(n)]),
    ...(rest.length > 0 ? [[`… ${rest.length} more classes`, String(others)]] : []),
    ["", ""],
    ["uncertain", String(summary.uncertain)],
    ["unreadable", String(skipped)],
  ];
  const table = textTable(rows, [1]).map((line) => `  ${line}`.trimEnd());
  const [uncertain, left] = table.slice(-2);
  return [
    "",
    `summary: ${total} by the most probable class`,
    ...table.slice(0, -3),
    `${uncertain}  of these, the most probable class has less than ${100 * SURE} %`,
    `${left}  images left out, beside these`,
  ];
}
