import { expect, test } from "vitest";
import { type Position, type Visit, trainingOrder } from "./order.ts";
import { epochOrder } from "./shuffle.ts";
import type { Source } from "../source.ts";

type Orderable = Parameters<typeof trainingOrder>[0];

function take(source: Orderable, n: number, start?: Position): Visit[] {
  const visits = trainingOrder(source, 3, start);
  return Array.from({ length: n }, () => visits.next().value);
}

const indices = (visits: readonly Visit[]): number[] => visits.map(({ index }) => index);
const part = (length: number, weight: number) => ({ source: { length } as Source, weight });
const mixture = { length: 50, parts: [part(10, 3), part(40, 1)] };
const blocks = { of: (index: number) => Math.floor(index / 5), atOnce: 2 };

test("a plain source goes through one epoch order after the other", () => {
  const visits = take({ length: 7 }, 15);
  expect(indices(visits)).toEqual([
    ...epochOrder(7, 3, 0),
    ...epochOrder(7, 3, 1),
    ...epochOrder(7, 3, 2).slice(0, 1),
  ]);
  expect(visits.map(({ epoch }) => epoch)).toEqual([...Array(7).fill(0), ...Array(7).fill(1), 2]);
  expect(visits[6].next).toEqual({ epoch: 0, index: 7 });
  expect(visits[7].next).toEqual({ epoch: 1, index: 1 });
});

test.each([
  ["plain", { length: 7 }],
  ["in blocks", { length: 23, blocks }],
  ["mixed", mixture],
])("started at a visit's next it goes on as before: %s", (_, source) => {
  const whole = take(source, 130);
  for (const at of [0, 6, 22, 49, 50, 100]) {
    const next = JSON.parse(JSON.stringify(whole[at].next)) as Position;
    expect(take(source, 129 - at, next)).toEqual(whole.slice(at + 1));
  }
});

test("blocks are mixed a few at a time, in another order every epoch", () => {
  const visits = indices(take({ length: 23, blocks }, 46));
  for (const epoch of [visits.slice(0, 23), visits.slice(23)]) {
    expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i));
    // Blocks of 5, 5, 5, 5 and 3: the first window holds 10 or 8 examples of exactly two blocks.
    expect(new Set(epoch.slice(0, 8).map((i) => blocks.of(i))).size).toBe(2);
  }
  expect(visits.slice(0, 23)).not.toEqual(visits.slice(23));
  expect(visits.slice(0, 23)).not.toEqual(visits.slice(0, 23).toSorted((a, b) => a - b));
});

test("a mixture draws by weight, and visits every example of a part once in the part's epoch", () => {
  const visits = take(mixture, 4000);
  const first = visits.filter(({ index }) => index < 10);
  const second = visits.filter(({ index }) => index >= 10);
  expect(first.length / 4000).toBeGreaterThan(0.72);
  expect(first.length / 4000).toBeLessThan(0.78);
  expect(new Set(indices(first.slice(10, 20))).size).toBe(10);
  expect(first.slice(10, 20).every(({ epoch }) => epoch === 1)).toBe(true);
  expect(new Set(indices(second.slice(0, 40))).size).toBe(40);
  expect(visits[119].next).toMatchObject({ epoch: 2, index: 20 });
});
