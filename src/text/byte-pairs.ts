/** @file Byte-pair encoding by a list of merges: symbols are ids, and an earlier merge comes first. */

import { mergeSymbols } from "./merge.ts";
import { PairTable } from "./pair-table.ts";

/** Merges by the ids they join: the rank of a pair, and what a rank's pair becomes. */
export interface Merges {
  readonly ranks: PairTable;
  readonly resultOf: (rank: number) => number;
}

/** Merges from the ids of pairs, the first the most urgent, and from what makes the joined one's id. */
export function createMerges(
  pairs: readonly (readonly [number, number])[],
  join: (rank: number) => number,
): Merges {
  const ranks = new PairTable(pairs.length);
  pairs.forEach(([left, right], rank) => ranks.set(left, right, rank));
  const results = new Int32Array(pairs.length).fill(-1);
  return {
    ranks,
    resultOf: (rank) => (results[rank] === -1 ? (results[rank] = join(rank)) : results[rank]),
  };
}

/** The ids that symbols become when all merges are done; `symbols` is overwritten. */
export function applyMerges(symbols: number[], { ranks, resultOf }: Merges): number[] {
  if (symbols.length < 2) return symbols;
  const places = mergeSymbols(symbols.length, {
    find: (left, right) => ranks.get(symbols[left], symbols[right]),
    result: resultOf,
    priority: (rank) => -rank,
    join: (left, _right, joined) => {
      symbols[left] = joined;
    },
  });
  return places.map((place) => symbols[place]);
}
