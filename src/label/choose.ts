/**
 * @file Which pictures are shown next: at first those that stand for most others, then those that the model is least sure of;
 * with each the pictures that are most alike.
 */

import { type UnitRows, cosine } from "../transfer/alike.ts";

/** Pictures of a group, at most. */
const GROUP = 12;
/** Pictures whose cosine is below this do not belong together. */
const ALIKE = 0.2;
/** Pictures that are compared with each other to find one that stands for many. */
const SAMPLE = 300;

/**
 * The row among `open` that stands for most of what none of `seen` stands for: greedy facility location over an even sample,
 * the gain of a row being Σ max(0, cosine with another − the greatest cosine of that one with a row seen).
 *
 * @param open not empty
 */
export function mostTypical(
  rows: UnitRows,
  open: readonly number[],
  seen: readonly number[],
): number {
  const sample = evenly(open);
  const covered = sample.map((row) =>
    evenly(seen).reduce((most, other) => Math.max(most, cosine(rows, row, other)), 0),
  );
  let [best, gained] = [sample[0], -1];
  for (const row of sample) {
    const gain = sample.reduce(
      (sum, other, i) => sum + Math.max(0, cosine(rows, row, other) - covered[i]),
      0,
    );
    if (gain > gained) [best, gained] = [row, gain];
  }
  return best;
}

const evenly = (rows: readonly number[]): readonly number[] =>
  rows.length <= SAMPLE
    ? rows
    : Array.from({ length: SAMPLE }, (_, i) => rows[Math.floor((i * rows.length) / SAMPLE)]);

/** The row among `open` with the smallest gap between its two most probable classes; of equals the first. */
export const leastSure = (open: readonly number[], margin: (row: number) => number): number =>
  open.reduce((best, row) => (margin(row) < margin(best) ? row : best));

/** A row and the rows among `open` that are most alike, the nearest first. */
export function groupAround(rows: UnitRows, row: number, open: readonly number[]): number[] {
  const near = open
    .filter((other) => other !== row)
    .map((other) => ({ other, likeness: cosine(rows, row, other) }))
    .filter(({ likeness }) => likeness >= ALIKE)
    .sort((a, b) => b.likeness - a.likeness);
  return [row, ...near.slice(0, GROUP - 1).map(({ other }) => other)];
}
