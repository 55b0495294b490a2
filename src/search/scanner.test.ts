import fc from "fast-check";
import { expect, test } from "vitest";
import { toUnitLength } from "../served/vectors.ts";
import { seededRandom } from "../random.ts";
import { codeWidth, quantiseQuery, quantiseRows } from "./quantise.ts";
import { openScanKernel } from "./scan-kernel.ts";
import { createScanner } from "./scanner.ts";

const random = seededRandom("scanner");
/** About normal: the sum of twelve uniform numbers, less its mean. */
const normal = (): number =>
  Array.from({ length: 12 }, () => random.uniform()).reduce((a, b) => a + b) - 6;
/** Unit vectors, [rows, dim], in groups of near ones. */
function vectorsOf(rows: number, dim: number, spread = 1): Float32Array {
  const data = new Float32Array(rows * dim);
  const centre = Array.from({ length: dim }, () => normal());
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < dim; j++) data[row * dim + j] = centre[j] + spread * normal();
    toUnitLength(data.subarray(row * dim, (row + 1) * dim));
  }
  return data;
}

test("the kernel's products are those of whole numbers", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 200 }),
      fc.infiniteStream(fc.integer({ min: -127, max: 127 })),
      (rows, dim, bytes) => {
        const width = codeWidth(dim);
        const codes = Int8Array.from({ length: rows * width }, () => bytes.next().value!);
        const query = Int16Array.from({ length: width }, () => 258 * bytes.next().value!);
        const scales = Float32Array.from({ length: rows }, (_, i) => 2 ** -i);
        const { memory, scanRows } = openScanKernel();
        const [at, scaleAt, out] = [4096, 32_768, 40_960];
        new Int16Array(memory.buffer, 0, width).set(query);
        new Int8Array(memory.buffer, at, codes.length).set(codes);
        new Float32Array(memory.buffer, scaleAt, rows).set(scales);
        scanRows(at, scaleAt, rows, width, 0, out);
        const expected = Array.from({ length: rows }, (_, row) => {
          const sum = query.reduce((total, x, j) => total + x * codes[row * width + j], 0);
          return Math.fround(Math.fround(sum) * scales[row]);
        });
        expect([...new Float32Array(memory.buffer, out, rows)]).toEqual(expected);
      },
    ),
  );
});

test("the largest query and vector stay within 32 bits", () => {
  const dim = 4096;
  const ones = new Float32Array(dim).fill(1);
  const { codes, scale } = quantiseQuery(ones);
  const rows = quantiseRows(ones, dim);
  expect(codes[0] * dim * 127).toBeLessThan(2 ** 31);
  expect(codes[0] * scale).toBeCloseTo(1, 3);
  const scanner = createScanner(2, dim);
  scanner.put(0, quantiseRows(new Float32Array(dim).fill(-1), dim));
  scanner.put(1, rows);
  expect(scanner.nearest(ones, 2)).toEqual([1, 0]);
});

test("a row of zeros has no scale and is no nearer than what agrees", () => {
  const rows = quantiseRows(Float32Array.of(0, 0, 3, 4), 2);
  expect([...rows.scales]).toEqual([0, Math.fround(4 / 127)]);
  const scanner = createScanner(2, 2);
  scanner.put(0, rows);
  expect(scanner.nearest(Float32Array.of(0, 1), 5)).toEqual([1, 0]);
  expect(scanner.nearest(Float32Array.of(0, -1), 1)).toEqual([0]);
});

test("the nearest by bytes hold the nearest ten of all, and rows that are left out are not found", () => {
  const [rows, dim] = [3000, 96];
  const vectors = vectorsOf(rows, dim, 0.3); // near one another: the hard case
  const queries = vectorsOf(20, dim, 0.3);
  const scanner = createScanner(rows, dim);
  for (let first = 0; first < rows; first += 700) {
    const some = vectors.subarray(first * dim, Math.min(rows, first + 700) * dim);
    scanner.put(first, quantiseRows(some, dim));
  }
  let found = 0;
  for (let k = 0; k < 20; k++) {
    const query = queries.subarray(k * dim, (k + 1) * dim);
    const exact = Array.from({ length: rows }, (_, row) => ({
      row,
      score: query.reduce((sum, x, j) => sum + x * vectors[row * dim + j], 0),
    })).sort((a, b) => b.score - a.score);
    const near = scanner.nearest(query, 100);
    found += exact.slice(0, 10).filter(({ row }) => near.includes(row)).length;
  }
  expect(found).toBe(200);
  const query = queries.subarray(0, dim);
  const [first, second] = scanner.nearest(query, 2);
  scanner.leaveOut(first);
  expect(scanner.nearest(query, 1)).toEqual([second]);
  expect(() => scanner.nearest(new Float32Array(3), 1)).toThrow("3 numbers, vectors have 96");
});
