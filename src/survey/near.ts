/** @file Pictures that look nearly the same: hashes that differ in few bits, found without comparing each with each. */

import type { Ledger } from "./ledger.ts";
import { hashDistance, looksSame } from "./look.ts";

/** Two rows that look nearly the same. */
export interface NearPair {
  readonly a: number;
  readonly b: number;
  /** In how many of 64 bits their hashes differ. */
  readonly distance: number;
}

/** What {@link nearPairs} found. */
export interface NearPairs {
  readonly pairs: readonly NearPair[];
  /** False where the search ended before all were compared, or there were too many. */
  readonly isWhole: boolean;
}

const BITS = 64;
/** Comparisons of one search, some seconds of work, and pairs that are kept. */
const COMPARISONS = 2e9;
const PAIRS = 200_000;

/**
 * The pairs among some rows whose hashes differ in at most `threshold` bits and whose small pictures look the same. Hashes
 * that differ in t bits agree in one of t + 1 parts: only rows that agree in a part are compared.
 *
 * @param rows pictures of at least two colours, no two of the same bytes
 * @param pause awaited now and then, so that other work goes on
 */
export async function nearPairs(
  ledger: Ledger,
  rows: Uint32Array,
  threshold: number,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<NearPairs> {
  const { hashes, looks } = ledger;
  const parts = partsOf(Math.max(2, threshold + 1));
  const pairs: NearPair[] = [];
  const found = (isWhole: boolean): NearPairs => ({
    pairs: pairs.sort((p, q) => p.distance - q.distance || p.a - q.a || p.b - q.b),
    isWhole,
  });
  let left = COMPARISONS;
  const keys = new Uint32Array(ledger.rows);
  for (const [number, part] of parts.entries()) {
    for (const row of rows) keys[row] = partOf(hashes, row, part);
    const sorted = rows.toSorted((a, b) => keys[a] - keys[b] || a - b);
    for (let begin = 0, end = 1; begin < sorted.length; begin = end++) {
      while (end < sorted.length && keys[sorted[end]] === keys[sorted[begin]]) end++;
      for (let i = begin; i < end; i++) {
        left -= end - i - 1;
        if (left < 0 || pairs.length >= PAIRS) return found(false);
        const a = sorted[i];
        for (let j = i + 1; j < end; j++) {
          const b = sorted[j];
          const distance = hashDistance(hashes, a, b);
          if (distance > threshold || !looksSame(looks, a, b)) continue;
          const isKnown = parts
            .slice(0, number)
            .some((before) => partOf(hashes, a, before) === partOf(hashes, b, before));
          if (!isKnown) pairs.push({ a, b, distance });
        }
      }
    }
    await pause();
  }
  return found(true);
}

/** Bits of a hash, from `begin` up to `end`. */
interface Part {
  readonly begin: number;
  readonly end: number;
}

/** The bits of a hash in parts of nearly the same length, none above 32. */
const partsOf = (count: number): Part[] =>
  Array.from({ length: count }, (_, i) => ({
    begin: Math.floor((i * BITS) / count),
    end: Math.floor(((i + 1) * BITS) / count),
  }));

function partOf(hashes: Uint32Array, row: number, { begin, end }: Part): number {
  const [low, high] = [hashes[2 * row], hashes[2 * row + 1]];
  const length = end - begin;
  const mask = length === 32 ? 0xffffffff : (1 << length) - 1;
  const shifted =
    begin >= 32
      ? high >>> (begin - 32)
      : begin === 0
        ? low
        : (low >>> begin) | (high << (32 - begin));
  return (shifted & mask) >>> 0;
}
