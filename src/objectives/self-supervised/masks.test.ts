import { afterAll, expect, test } from "vitest";
import { evaluate } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { type Tensor, randomKey, tensor, toNumbers } from "../../graph/index.ts";
import { maskByNoise } from "../../models/index.ts";
import { hiddenBlocks, hiddenInSome } from "./masks.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

/** Rows of a mask. */
async function rowsOf(mask: Tensor): Promise<number[][]> {
  const [rows, columns] = mask.shape;
  const values = await read(mask);
  return Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns));
}
const sum = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0);

test("blocks are hidden whole, as many in each image as the ratio says", async () => {
  const rows = await rowsOf(hiddenBlocks(randomKey(1), 5, [4, 6], 2, 0.6));
  for (const row of rows) {
    expect(sum(row)).toBe(4 * Math.ceil(6 * 0.6));
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 6; x++) {
        expect(row[6 * y + x]).toBe(row[6 * (y - (y % 2)) + x - (x % 2)]);
      }
  }
  expect(new Set(rows.map(String)).size).toBeGreaterThan(1);
  expect(() => hiddenBlocks(randomKey(1), 1, [4, 6], 4, 0.6)).toThrow(
    "4 × 6 patches do not fall into blocks of 4 × 4.",
  );
});

test("a part of the images has hidden patches, their shares spread between the bounds", async () => {
  const rows = await rowsOf(hiddenInSome(randomKey(2), [10, 100], 0.5, [0.1, 0.6]));
  const counts = rows.map(sum).sort((a, b) => a - b);
  expect(counts.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  counts.slice(5).forEach((count, i) => {
    expect(count).toBeGreaterThanOrEqual(Math.floor(10 + 10 * i - 1e-3));
    expect(count).toBeLessThanOrEqual(20 + 10 * i);
  });
});

test("the patches of smallest noise are seen, and each finds its place again", async () => {
  const noise = tensor([
    [0.9, 0.1, 0.5, 0.3],
    [0.2, 0.8, 0.4, 0.6],
  ]);
  const { kept, restore, mask } = maskByNoise(noise, 0.5);
  expect(await rowsOf(kept)).toEqual([
    [1, 3],
    [0, 2],
  ]);
  expect(await rowsOf(restore)).toEqual([
    [3, 0, 2, 1],
    [0, 3, 1, 2],
  ]);
  expect(await rowsOf(mask)).toEqual([
    [1, 0, 1, 0],
    [0, 1, 0, 1],
  ]);
});
