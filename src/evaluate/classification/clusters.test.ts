import { expect, test } from "vitest";
import { fromNumbers } from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import { bestMatching, clusterValues, kMeans, normalisedMutualInformation } from "./clusters.ts";

/** All ways to match rows and columns, tried one after the other. */
function byTrying(counts: readonly (readonly number[])[]): number {
  const size = Math.max(counts.length, counts[0].length);
  const go = (row: number, free: readonly number[]): number =>
    row === size
      ? 0
      : Math.max(
          ...free.map(
            (j) =>
              (counts[row]?.[j] ?? 0) +
              go(
                row + 1,
                free.filter((k) => k !== j),
              ),
          ),
        );
  return go(
    0,
    Array.from({ length: size }, (_, j) => j),
  );
}

test("the best matching is that of trying all", () => {
  const random = seededRandom("matching");
  for (let trial = 0; trial < 200; trial++) {
    const [rows, columns] = [random.integer(1, 6), random.integer(1, 6)];
    const counts = Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () => random.integer(0, 5)),
    );
    expect(bestMatching(counts)).toBe(byTrying(counts));
  }
});

test("mutual information is 1 of equal parts, whatever they are called, and 0 of independent ones", () => {
  expect(
    normalisedMutualInformation([
      [0, 5],
      [3, 0],
    ]),
  ).toBeCloseTo(1, 12);
  expect(
    normalisedMutualInformation([
      [2, 4],
      [3, 6],
    ]),
  ).toBeCloseTo(0, 12);
  // by hand: H = ln 2 of both, I = ln 2 − H(1/4)
  const part = -(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75));
  const expected = 1 - part / Math.LN2;
  expect(
    normalisedMutualInformation([
      [3, 1],
      [1, 3],
    ]),
  ).toBeCloseTo(expected, 12);
});

test("points around directions are found as clusters, with the same seed the same", () => {
  const random = seededRandom("points");
  const [count, width] = [90, 6];
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const values = labels.flatMap((label) =>
    Array.from({ length: width }, (_, j) => (j === 2 * label ? 3 : 0) + random.uniform()),
  );
  const features = {
    features: fromNumbers(values, [count, width], "float32"),
    labels: fromNumbers(labels, [count], "int32"),
  };
  const found = Object.fromEntries(clusterValues(features, { numClasses: 3 }));
  expect(found).toEqual({ clusterAccuracy: 1, nmi: expect.closeTo(1, 10) as number });
  expect(Object.fromEntries(clusterValues(features, { numClasses: 3 }))).toEqual(found);
  expect(() => clusterValues(features, { numClasses: 3, clusters: 91 })).toThrow(
    "90 images do not fall into 91 clusters.",
  );
});

test("equal points leave no cluster without a row", () => {
  const x = { rows: 4, columns: 1, data: Float64Array.from([1, 1, 1, 2]) };
  const { members, inertia } = kMeans(x, 2, seededRandom("equal"));
  expect(inertia).toBe(0);
  expect(members[3]).not.toBe(members[0]);
});
