import fc from "fast-check";
import { expect, test } from "vitest";
import { applyMerges, createMerges } from "./byte-pairs.ts";

/** Merging by the book: of all neighbours the pair with the lowest rank, the leftmost, again and again. */
function mergeSlowly(symbols: readonly number[], rules: readonly (readonly [number, number])[]) {
  const left = [...symbols];
  const rankOf = (i: number): number =>
    rules.findIndex(([a, b]) => a === left[i] && b === left[i + 1]);
  for (;;) {
    let best = -1;
    for (let i = 0; i + 1 < left.length; i++) {
      const rank = rankOf(i);
      if (rank !== -1 && (best === -1 || rank < rankOf(best))) best = i;
    }
    if (best === -1) return left;
    left.splice(best, 2, 10 + rankOf(best));
  }
}

test("merges equal merging one by one", () => {
  const symbol = fc.integer({ min: 0, max: 3 });
  const pair = fc.tuple(fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 13 }));
  const pairs = fc.uniqueArray(pair, { maxLength: 12, selector: String });
  fc.assert(
    fc.property(fc.array(symbol, { maxLength: 40 }), pairs, (symbols, rules) => {
      const merges = createMerges(rules, (rank) => 10 + rank);
      expect(applyMerges([...symbols], merges)).toEqual(mergeSlowly(symbols, rules));
    }),
    { numRuns: 500 },
  );
});
