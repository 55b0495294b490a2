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
  expect(lines[0]).toContain(
    "collapsed at step 21, features: their deviation is 0.010 where 1 is even and 0 is one point.",
  );
});

test("outputs on a line, or at one point, are said though features spread", () => {
  const tellOf = (values: Record<string, number>): string[] => {
    const lines: string[] = [];
    const tell = collapseNote({ line: (text) => void lines.push(text) });
    for (let step = 1; step <= 30; step++) tell(step, { featureDeviation: 0.4, ...values });
    return lines;
  };
  expect(tellOf({ outputDeviation: 0.9, outputRank: 3 })).toEqual([]);
  expect(tellOf({ outputDeviation: 0.9, outputRank: 1.1 })[0]).toContain(
    "collapsed at step 20, outputs: their rank is 1.10, and 1 is a line.",
  );
  expect(tellOf({ outputDeviation: 0.01, outputRank: 3 })[0]).toContain(
    "collapsed at step 20, outputs: their deviation is 0.010",
  );
});

test("what recovers, and what has no such metric, is not", () => {
  expect(told([...low.slice(0, 19), 0.3, ...low.slice(0, 19)])).toEqual([]);
  expect(told(new Array<undefined>(50).fill(undefined))).toEqual([]);
});
