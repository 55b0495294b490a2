import { expect, test } from "vitest";
import { collapseNote } from "./collapse-note.ts";

const told = (deviations: readonly (number | undefined)[]): string[] => {
  const lines: string[] = [];
  const tell = collapseNote({ line: (text) => void lines.push(text) });
  deviations.forEach((featureDeviation, i) =>
    tell(i + 1, featureDeviation === undefined ? {} : { featureDeviation }),
  );
  return lines;
};
const low = new Array<number>(25).fill(0.01);

test("a deviation that stays low is said once", () => {
  const lines = told([0.5, ...low, ...low]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("features have collapsed at step 21: their deviation is 0.010");
});

test("what recovers, and what has no such metric, is not", () => {
  expect(told([...low.slice(0, 19), 0.3, ...low.slice(0, 19)])).toEqual([]);
  expect(told(new Array<undefined>(50).fill(undefined))).toEqual([]);
});
