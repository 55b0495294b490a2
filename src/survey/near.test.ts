/** @file The search for near hashes against all comparisons, and what a look is. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { hostArray } from "../graph/index.ts";
import { Ledger } from "./ledger.ts";
import { LOOK, hashDistance, lookOf, looksSame } from "./look.ts";
import { nearPairs } from "./near.ts";

/** A ledger of hashes; all small pictures are the same. */
function ledgerOf(hashes: readonly (readonly [number, number])[]): Ledger {
  const ledger = new Ledger(hashes.length);
  hashes.forEach((hash, row) => {
    ledger.hashes.set(hash, 2 * row);
    for (let at = 0; at < LOOK; at++) ledger.looks[row * LOOK + at] = at;
  });
  return ledger;
}

const word = fc.nat(0xffffffff);
/** Hashes around a few, so that many are near. */
const hashes = fc
  .tuple(
    fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(2), fc.array(fc.nat(63), { maxLength: 7 })), { maxLength: 40 }),
  )
  .map(([centres, around]) =>
    around.map(([which, flips]): [number, number] => {
      const hash = Uint32Array.from(centres[which % centres.length]);
      for (const bit of flips) hash[bit >>> 5] ^= 1 << (bit & 31);
      return [hash[0], hash[1]];
    }),
  );

test("the pairs are those that comparing each with each finds, for every number of bits", async () => {
  await fc.assert(
    fc.asyncProperty(hashes, fc.integer({ min: 1, max: 12 }), async (all, bits) => {
      const ledger = ledgerOf(all);
      const expected: string[] = [];
      for (let a = 0; a < all.length; a++) {
        for (let b = a + 1; b < all.length; b++) {
          const distance = [0, 1]
            .map((k) => (all[a][k] ^ all[b][k]) >>> 0)
            .map((bits) => bits.toString(2).replaceAll("0", "").length)
            .reduce((sum, count) => sum + count);
          expect(hashDistance(ledger.hashes, a, b)).toBe(distance);
          if (distance <= bits) expected.push(`${a} ${b} ${distance}`);
        }
      }
      const rows = Uint32Array.from(all.keys());
      const { pairs, isWhole } = await nearPairs(ledger, rows, bits);
      expect(isWhole).toBe(true);
      const found = pairs.map(({ a, b, distance }) => `${a} ${b} ${distance}`);
      expect(found.sort()).toEqual(expected.sort());
    }),
    { numRuns: 300 },
  );
});

test("a look: a bit for each pixel that is darker than its right neighbour, greys, and colours of thirds of rows", () => {
  const pixels = new Uint8Array(8 * 9 * 3).fill(100);
  pixels.set([0, 0, 0], 0); // the first pixel is black
  const { hash, small } = lookOf(hostArray([8, 9, 3], "uint8", pixels));
  expect([...hash]).toEqual([1, 0]);
  expect([...small.subarray(0, 3)]).toEqual([0, 100, 100]);
  expect([...small.subarray(72)]).toEqual([67, 67, 67, ...Array<number>(69).fill(100)]);
  const fractions = Float32Array.from(pixels, (value) => value / 255);
  expect(lookOf(hostArray([8, 9, 3], "float32", fractions))).toEqual({ hash, small });
});

test("flags of equally bright stripes in other colours do not look the same; those of another tint do", () => {
  const flag = (lowest: readonly number[], tint = 0) => {
    const rows = Array.from({ length: 8 }, (_, row) => (row < 3 ? [206, 41, 57] : row < 6 ? [255, 255, 255] : lowest)); // prettier-ignore
    const pixels = rows.flatMap((colour) => Array.from({ length: 9 }, () => colour).flat());
    return lookOf(
      hostArray(
        [8, 9, 3],
        "uint8",
        Uint8Array.from(pixels, (value) => value - tint),
      ),
    );
  };
  const looks = [flag([38, 86, 173]), flag([71, 112, 80]), flag([38, 86, 173], 15)];
  const small = Uint8Array.from(looks.flatMap((look) => [...look.small]));
  expect(looksSame(small, 0, 1)).toBe(false);
  expect(looksSame(small, 0, 2)).toBe(true);
});
