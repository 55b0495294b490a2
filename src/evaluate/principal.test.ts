import { expect, test } from "vitest";
import { seededRandom } from "../random.ts";
import { type Matrix, dot, rowOf } from "./matrix.ts";
import { nearestRows, principalComponents } from "./principal.ts";

const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0].length,
  data: Float64Array.from(rows.flat()),
});

test("points on known axes are found, with their shares, whatever they are shifted by", () => {
  const [a, b] = [
    [0.6, 0.8, 0],
    [-0.8, 0.6, 0],
  ];
  const places = [[6, 1], [-6, 1], [3, -1], [-3, -1]] as const; // prettier-ignore
  const rows = places.map(([u, v]) => a.map((_, j) => 10 + u * a[j] + v * b[j]));
  const { points, shares } = principalComponents(matrix(rows), 2);
  expect(shares[0]).toBeCloseTo(90 / 94, 12);
  expect(shares[1]).toBeCloseTo(4 / 94, 12);
  places.forEach(([u, v], i) => {
    expect(Math.abs(points.data[2 * i])).toBeCloseTo(Math.abs(u), 10);
    expect(Math.abs(points.data[2 * i + 1])).toBeCloseTo(Math.abs(v), 10);
  });
});

test("components are uncorrelated, the first the longest, and of no wider data", () => {
  const random = seededRandom("principal", 1);
  const rows = Array.from({ length: 40 }, () =>
    Array.from({ length: 30 }, (_, j) => (random.uniform() - 0.5) / (j + 1)),
  );
  const { points, shares } = principalComponents(matrix(rows), 3);
  const column = (k: number) => Float64Array.from(rows, (_, i) => points.data[3 * i + k]);
  for (const [k, l] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    // prettier-ignore
    const [u, v] = [column(k), column(l)];
    expect(Math.abs(dot(u, v)) / Math.sqrt(dot(u, u) * dot(v, v))).toBeLessThan(1e-3);
  }
  expect(shares[0]).toBeGreaterThan(shares[1]);
  expect(shares[1]).toBeGreaterThan(shares[2]);
  expect(shares[0] + shares[1] + shares[2]).toBeLessThan(1);
});

test("equal rows, one row and one column have points too", () => {
  expect([...principalComponents(matrix([[1, 2], [1, 2]]), 2).points.data]).toEqual([0, 0, 0, 0]); // prettier-ignore
  expect(principalComponents(matrix([[5]]), 2)).toMatchObject({ shares: [0, 0] });
  const { points } = principalComponents(matrix([[1], [3]]), 2);
  expect(Array.from(rowOf(points, 0), Math.abs)).toEqual([1, 0]);
});

test("the nearest rows are those at the smallest angle, not the row itself", () => {
  const rows = matrix([[1, 0], [10, 1], [0, 1], [0, 0]]); // prettier-ignore
  expect(nearestRows(rows, 2).slice(0, 3)).toEqual([
    [1, 2],
    [0, 2],
    [1, 0],
  ]);
  expect(nearestRows(rows, 9)[0]).toHaveLength(3);
});
