import { expect, test } from "vitest";
import { giveBack, lend } from "./spare.ts";

test("what is given back is lent again, to a loan of its size", () => {
  const first = lend(100);
  giveBack(first.buffer);
  expect(lend(99).buffer).not.toBe(first.buffer);
  expect(lend(100).buffer).toBe(first.buffer);
  expect(lend(100).buffer).not.toBe(first.buffer);
});

test("memory of others is never taken, nor memory given back twice", () => {
  const others = new Uint8Array(50);
  giveBack(others.buffer);
  expect(lend(50).buffer).not.toBe(others.buffer);
  const mine = lend(51);
  giveBack(mine.buffer);
  giveBack(mine.buffer);
  const loans = [lend(51), lend(51)].map(({ buffer }) => buffer);
  expect(new Set(loans).size).toBe(2);
});

test("no more than 16 MiB are kept, the latest", () => {
  const loans = [0, 1, 2].map((i) => lend((6 << 20) + i).buffer);
  for (const buffer of loans) giveBack(buffer);
  const again = loans.map(({ byteLength }) => lend(byteLength).buffer);
  expect(again.map((buffer, i) => buffer === loans[i])).toEqual([false, true, true]);
});
