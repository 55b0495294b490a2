import { expect, test } from "vitest";
import { placeOn } from "./curves.ts";

const run = { step: 40, batchSize: 60, perEpoch: 2.5, totalSteps: 80 };
const curve = (steps: number[], means: number[]) => ({ steps, means, lows: means, highs: means });

test("steps stand on every axis", () => {
  expect(placeOn("step", run, undefined)?.(40)).toBe(40);
  expect(placeOn("images", run, undefined)?.(40)).toBe(2400);
  expect(placeOn("epoch", run, undefined)?.(40)).toBe(16);
  expect(placeOn("percent", run, undefined)?.(40)).toBe(50);
  expect(placeOn("percent", { step: 40 }, undefined)?.(40)).toBe(100);
});

test("what a run does not know has no place", () => {
  expect(placeOn("images", { step: 1 }, undefined)).toBeUndefined();
  expect(placeOn("epoch", { step: 1 }, undefined)).toBeUndefined();
  expect(placeOn("time", run, undefined)).toBeUndefined();
  expect(placeOn("time", run, curve([], []))).toBeUndefined();
});

test("time is that of the steps at the speed that was measured over each part", () => {
  const at = placeOn("time", run, curve([10, 20, 40], [10, 20, 5]))!; // 6, 3 and 12 seconds a step
  expect(at(10)).toBeCloseTo(1, 12);
  expect(at(20)).toBeCloseTo(1.5, 12);
  expect(at(40)).toBeCloseTo(5.5, 12);
  expect(at(5)).toBeCloseTo(0.5, 12);
  expect(at(30)).toBeCloseTo(3.5, 12);
  expect(at(45)).toBeCloseTo(6.5, 12);
});
