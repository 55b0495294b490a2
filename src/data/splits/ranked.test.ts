import { expect, test } from "vitest";
import { DEFAULT_SHARES } from "./hashed.ts";
import { allot, splitByRank } from "./ranked.ts";

test.each([
  [1, { train: 1, validation: 0, test: 0 }],
  [2, { train: 1, validation: 0, test: 1 }],
  [3, { train: 2, validation: 0, test: 1 }],
  [5, { train: 4, validation: 0, test: 1 }],
  [9, { train: 7, validation: 1, test: 1 }],
  [10, { train: 8, validation: 1, test: 1 }],
  [1000, { train: 800, validation: 100, test: 100 }],
])("%i images of a class are divided into %o", (count, counts) => {
  expect(allot(count, DEFAULT_SHARES)).toEqual(counts);
});

test("other shares keep their sizes too, and training has one of every class", () => {
  expect(allot(3, { train: 1, test: 99 })).toEqual({ train: 1, test: 2 });
  expect(allot(30, { fit: 1, judge: 2 })).toEqual({ fit: 10, judge: 20 });
  for (let count = 0; count < 60; count++) {
    const counts = Object.values(allot(count, { a: 0.5, b: 0.2, c: 0.3 }));
    expect(counts.reduce((sum, one) => sum + one)).toBe(count);
  }
});

const ids = Array.from({ length: 40 }, (_, i) => `class-${i % 2}/${i}.png`);
const classOf = (index: number): number => index % 2;
const shares = { train: 6, validation: 2, test: 2 };

test("every split has its share of each class, whatever the order of the images", () => {
  const splits = splitByRank(ids, classOf, shares);
  for (const label of [0, 1]) {
    const own = splits.filter((_, i) => i % 2 === label);
    const count = (name: string) => own.filter((split) => split === name).length;
    expect([count("train"), count("validation"), count("test")]).toEqual([12, 4, 4]);
  }
  const reversed = splitByRank(
    ids.toReversed(),
    (index) => classOf(ids.length - 1 - index),
    shares,
  );
  expect(reversed.toReversed()).toEqual(splits);
});

test("an added image moves at most one other at each border, none of another class", () => {
  const before = splitByRank(ids, classOf, shares);
  for (let i = 0; i < 50; i++) {
    const after = splitByRank(
      [...ids, `class-0/new-${i}.png`],
      (at) => (at === 40 ? 0 : at % 2),
      shares,
    );
    const moved = before.flatMap((split, at) => (split === after[at] ? [] : [at]));
    expect(moved.length).toBeLessThanOrEqual(2);
    expect(moved.every((at) => at % 2 === 0)).toBe(true);
  }
});
