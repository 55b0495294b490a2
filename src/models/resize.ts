/** @file Resizing grids by one matrix for each axis: how position embeddings and patch kernels change their extents. */

import {
  type HostArray,
  type Tensor,
  dotGeneral,
  hostArray,
  moveAxis,
  sizeOf,
  tensor,
  toNumbers,
} from "../graph/index.ts";

/** A linear map along one axis: a row of weights over the old places for each new place. */
export type AxisMap = readonly (readonly number[])[];

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);

/** Weights over `n` places that fall linearly from `centre` to zero at a distance of `reach`. */
function tent(n: number, centre: number, reach: number): number[] {
  const weights = range(n).map((i) => Math.max(0, 1 - Math.abs(centre - i) / reach));
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

/**
 * Linear interpolation between the centres of pixels. With `antialias` a smaller grid averages over what it covers
 * (as jax.image.resize), without it samples (as tf.image.resize).
 */
export function linearMap(from: number, to: number, antialias: boolean): AxisMap {
  const step = from / to;
  const reach = antialias ? Math.max(step, 1) : 1;
  return range(to).map((i) => tent(from, (i + 0.5) * step - 0.5, reach));
}

/** Linear interpolation that keeps both ends in place (as scipy.ndimage.zoom of order 1). */
export function cornerMap(from: number, to: number): AxisMap {
  const step = to > 1 ? (from - 1) / (to - 1) : 0;
  return range(to).map((i) => tent(from, Math.min(i * step, from - 1), 1));
}

/**
 * The pseudo-inverse of a map's transpose, which is again a map of the same extents: the kernel K' = P · K gives on a
 * picture resized by `map` what K gave on the picture. The map must be of full rank, as {@link linearMap} is.
 */
export function inverseTranspose(map: AxisMap): AxisMap {
  const grows = map.length > map[0].length;
  const wide = grows ? transposed(map) : map;
  const gram = wide.map((a) => wide.map((b) => sum(a.map((x, k) => x * b[k]))));
  const solution = solve(gram, wide);
  return grows ? transposed(solution) : solution;
}

const transposed = (map: AxisMap): number[][] => map[0].map((_, j) => map.map((row) => row[j]));

/** X of A · X = B for a positive definite A, by elimination. */
function solve(a: AxisMap, b: AxisMap): number[][] {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...b[i]]);
  for (let pivot = 0; pivot < n; pivot++) {
    const scale = 1 / rows[pivot][pivot];
    rows[pivot] = rows[pivot].map((x) => x * scale);
    for (let i = 0; i < n; i++) {
      const factor = rows[i][pivot];
      if (i !== pivot) rows[i] = rows[i].map((x, j) => x - factor * rows[pivot][j]);
    }
  }
  return rows.map((row) => row.slice(n));
}

/** A tensor mapped along one axis. */
const mapAxis = (x: Tensor, axis: number, map: AxisMap): Tensor =>
  moveAxis(dotGeneral(tensor(map), x, { lhsContract: [1], rhsContract: [axis] }), 0, axis);

/** A grid [rows, columns, …] mapped along its first two axes. */
export const resizeGrid = (grid: Tensor, rows: AxisMap, columns: AxisMap): Tensor =>
  mapAxis(mapAxis(grid, 0, rows), 1, columns);

/** Images [batch, height, width, channels] scaled to another size, linearly between the centres of pixels. */
export function resizeImages(images: Tensor, height: number, width: number): Tensor {
  const along = (x: Tensor, axis: number, to: number): Tensor =>
    x.shape[axis] === to ? x : mapAxis(x, axis, linearMap(x.shape[axis], to, false));
  return along(along(images, 1, height), 2, width);
}

/** The same on the host, in float32: a grid [rows, columns, …] of weights that are about to be loaded. */
export function resizeHostGrid(grid: HostArray, rows: AxisMap, columns: AxisMap): HostArray {
  const [, width, ...rest] = grid.shape;
  const cell = sizeOf(rest);
  const mapped = mapBlocks(toNumbers(grid), rows, width * cell); // [new rows, columns, …]
  const result = new Float32Array(rows.length * columns.length * cell);
  rows.forEach((_, row) => {
    const line = mapped.subarray(row * width * cell, (row + 1) * width * cell);
    result.set(mapBlocks(line, columns, cell), row * columns.length * cell);
  });
  return hostArray([rows.length, columns.length, ...rest], "float32", result);
}

/** Blocks of `size` numbers one after the other, mapped as one axis. */
function mapBlocks(values: ArrayLike<number>, map: AxisMap, size: number): Float64Array {
  const result = new Float64Array(map.length * size);
  map.forEach((weights, to) =>
    weights.forEach((weight, from) => {
      if (weight === 0) return;
      for (let k = 0; k < size; k++) result[to * size + k] += weight * values[from * size + k];
    }),
  );
  return result;
}
