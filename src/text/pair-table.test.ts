import fc from "fast-check";
import { expect, test } from "vitest";
import { PairTable } from "./pair-table.ts";

test("a table of pairs holds what a Map of them does", () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer());
  const entry = fc.tuple(number, number, fc.nat());
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 200 }), (entries) => {
      const table = new PairTable();
      const map = new Map<string, number>();
      for (const [a, b, value] of entries) {
        table.set(a, b, value);
        map.set(`${a},${b}`, value);
      }
      for (const [a, b] of entries) {
        expect(table.get(a, b)).toBe(map.get(`${a},${b}`));
        expect(table.get(b, a)).toBe(map.get(`${b},${a}`) ?? -1);
      }
    }),
  );
});
