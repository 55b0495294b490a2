/** @file How large the pictures of a survey are. */

import type { Ledger } from "./ledger.ts";

/** Height and width in pixels, as `480 × 640`, with how many pictures have it. */
export interface SizeCount {
  readonly height: number;
  readonly width: number;
  readonly count: number;
}

/** The sizes of pictures, by area. */
export interface Sizes {
  /** How many different ones there are. */
  readonly distinct: number;
  readonly smallest: SizeCount;
  readonly median: SizeCount;
  readonly largest: SizeCount;
  /** The most frequent ones. */
  readonly common: readonly SizeCount[];
  /** The longer side over the shorter one, of the thinnest picture. */
  readonly thinnest: number;
}

const COMMON = 8;

/** The sizes of the pictures that could be read; undefined where there are none. */
export function describeSizes(ledger: Ledger): Sizes | undefined {
  const { heights, widths } = ledger;
  const counts = new Map<string, SizeCount>();
  let [total, thinnest] = [0, 1];
  for (const row of ledger.rowsWith("read")) {
    const [height, width] = [heights[row], widths[row]];
    const key = `${height}×${width}`;
    counts.set(key, { height, width, count: (counts.get(key)?.count ?? 0) + 1 });
    thinnest = Math.max(thinnest, height / width, width / height);
    total++;
  }
  if (total === 0) return undefined;
  const sizes = [...counts.values()];
  const byArea = sizes.toSorted((a, b) => a.height * a.width - b.height * b.width);
  let before = 0;
  const median = byArea.find(({ count }) => (before += count) * 2 >= total)!;
  return {
    distinct: sizes.length,
    smallest: byArea[0],
    median,
    largest: byArea.at(-1)!,
    common: sizes.sort((a, b) => b.count - a.count).slice(0, COMMON),
    thinnest: Number(thinnest.toPrecision(3)),
  };
}
