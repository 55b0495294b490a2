/** @file The nearest rows against all comparisons made one by one, and the rule for labels against its definition. */

import { expect, test } from "vitest";
import { openEngine } from "../../engines/select.ts";
import { hostArray } from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import { centredRows, cosine, unitRows } from "../../transfer/alike.ts";
import { doubtfulLabels, judge } from "./doubtful.ts";
import { nearestRows } from "./nearest.ts";

test("the nearest rows are those of comparing each with each, across blocks", async () => {
  const random = seededRandom("nearest", 0);
  const [count, width] = [300, 6]; // more than a block
  const data = Float32Array.from({ length: count * width }, () => random.integer(-99, 99));
  const rows = centredRows(hostArray([count, width], "float32", data));
  const engine = await openEngine("interpreter");
  const { pairs, distances } = await nearestRows(engine, rows, { least: 0.92, count: 3 });
  await engine.dispose();
  const wanted = [];
  for (let a = 0; a < count; a++) {
    const own = Array.from({ length: count }, (_, b) => (b === a ? -1 : cosine(rows, a, b)));
    for (let b = a + 1; b < count; b++) if (own[b] >= 0.92) wanted.push(`${a} ${b}`);
    const nearest = own.sort((p, q) => q - p).slice(0, 3);
    expect(distances[a]).toBeCloseTo(1 - (nearest[0] + nearest[1] + nearest[2]) / 3, 5);
  }
  expect(wanted.length).toBeGreaterThan(20);
  expect(pairs.map(({ a, b }) => `${a} ${b}`).sort()).toEqual(wanted.sort());
  for (const [i, { likeness }] of pairs.slice(1).entries()) {
    expect(likeness).toBeLessThanOrEqual(pairs[i].likeness);
  }
});

test("of too many pairs the most alike are kept, and pairs that are not wanted are none", async () => {
  const [count, width] = [40, 3];
  const random = seededRandom("many", 0);
  const data = Float32Array.from({ length: count * width }, () => random.integer(1, 99));
  const rows = unitRows(hostArray([count, width], "float32", data));
  const engine = await openEngine("interpreter");
  const isPair = (a: number, b: number) => (a + b) % 2 === 1;
  const wanted = { least: 0.5, count: 0, isPair };
  const all = await nearestRows(engine, rows, wanted);
  const some = await nearestRows(engine, rows, { ...wanted, most: 10 });
  await engine.dispose();
  expect(all.isWhole).toBe(true);
  expect(all.pairs.length).toBeGreaterThan(100);
  expect(all.pairs.every(({ a, b }) => isPair(a, b))).toBe(true);
  expect(some).toMatchObject({ isWhole: false, pairs: all.pairs.slice(0, 10) });
});

test("a label is doubted where another class is surer than it usually is, and is the surest such class", () => {
  const labels = [0, 0, 0, 1, 1];
  const of = (...all: number[][]) => new Map(all.map((p, row) => [row, Float64Array.from(p)]));
  // mean confidence: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6; class 1 (0.7 + 0.45) / 2 = 0.575
  const { doubts, agreement, judged } = judge(
    of([0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.55, 0.45]),
    labels,
    2,
  );
  expect(doubts).toEqual([{ row: 2, suggested: 1, probability: 0.9, own: 0.1 }]);
  const certain = of([1, 0], [1, 0], [0.15, 0.85], [0, 1], [0.25, 0.75]);
  const { doubts: few } = judge(certain, [0, 0, 0, 1, 0], 2); // 80 % of class 1, which has but certain pictures
  expect(few.map(({ row }) => row)).toEqual([2]);
  expect([agreement, judged]).toEqual([0.6, 5]); // the last row disagrees, but is not sure enough
});

test("planted wrong labels come first, and a class of one picture is not judged", async () => {
  const random = seededRandom("doubtful", 0);
  const [count, width] = [60, 5];
  const truth = Array.from({ length: count }, (_, i) => (i === count - 1 ? 3 : i % 3));
  const data = Float32Array.from({ length: count * width }, (_, i) => {
    const row = Math.floor(i / width);
    return (truth[row] === i % width ? 4 : 0) + random.integer(-9, 9) / 10;
  });
  const labels = truth.map((label, row) => (row === 7 || row === 20 ? (label + 1) % 3 : label));
  const engine = await openEngine("interpreter");
  const features = hostArray([count, width], "float32", data);
  const { doubts, judged } = await doubtfulLabels(engine, { features, labels }, 4);
  await engine.dispose();
  expect(judged).toBe(count - 1);
  expect(
    doubts
      .slice(0, 2)
      .map(({ row }) => row)
      .sort((a, b) => a - b),
  ).toEqual([7, 20]);
  for (const { row, suggested } of doubts.slice(0, 2)) expect(suggested).toBe(truth[row]);
  expect(doubts.length).toBeLessThan(5);
});
