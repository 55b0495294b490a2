/** @file Principal components of features: the directions in which they vary most. */

import { type Matrix, dot, rowOf, timesTransposed, transpose, zerosMatrix } from "./matrix.ts";

/** Directions that are iterated beside the wanted ones: they make these converge faster. */
const SPARE = 4;
const ROUNDS = 60;

/** Rows in the coordinates of the components. */
export interface Projection {
  /** [rows, components], of centred rows. */
  readonly points: Matrix;
  /** The part of the whole variance that each component has, the largest first. */
  readonly shares: readonly number[];
}

/**
 * Projects rows onto their first principal components, found by orthogonal iteration on the centred rows (Golub and Van
 * Loan, Matrix Computations, section 8.2.4). A component's sign is such that its largest coordinate is positive.
 */
export function principalComponents(rows: Matrix, count: number): Projection {
  const x = centred(rows);
  const across = transpose(x); // [columns, rows]
  const width = Math.min(count + SPARE, x.columns, Math.max(1, x.rows));
  let basis = orthonormal(startOf(width, x.columns)); // a direction in each row
  for (let round = 0; round < ROUNDS; round++) {
    const seen = timesTransposed(basis, x); // [width, rows]
    basis = orthonormal(timesTransposed(seen, across)); // [width, columns]
  }
  const points = zerosMatrix(x.rows, count);
  const total = dot(x.data, x.data);
  const shares = Array.from({ length: count }, (_, k) => {
    if (k >= width) return 0;
    const along = Float64Array.from({ length: x.rows }, (_, i) =>
      dot(rowOf(x, i), rowOf(basis, k)),
    );
    const most = along.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    along.forEach((value, i) => (points.data[i * count + k] = most < 0 ? -value : value));
    return total > 0 ? dot(along, along) / total : 0;
  });
  return { points, shares };
}

function centred({ rows, columns, data }: Matrix): Matrix {
  const mean = new Float64Array(columns);
  data.forEach((value, i) => (mean[i % columns] += value / rows));
  return { rows, columns, data: data.map((value, i) => value - mean[i % columns]) };
}

/** Directions to begin with, the same every time: waves of different lengths, which no data is likely to miss. */
function startOf(rows: number, columns: number): Matrix {
  const out = zerosMatrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++)
      out.data[i * columns + j] = Math.cos((i + 1) * (j + 0.5) * 0.7);
  }
  return out;
}

/** The rows made orthogonal and of length 1, one after the other; those without a direction of their own become zero. */
function orthonormal(matrix: Matrix): Matrix {
  const out = { ...matrix, data: matrix.data.slice() };
  for (let i = 0; i < out.rows; i++) {
    const row = rowOf(out, i);
    const before = Math.sqrt(dot(row, row));
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < i; k++) {
        const other = rowOf(out, k);
        const part = dot(row, other);
        row.forEach((_, j) => (row[j] -= part * other[j]));
      }
    }
    const length = Math.sqrt(dot(row, row));
    const scale = length > 1e-10 * before ? 1 / length : 0;
    row.forEach((_, j) => (row[j] *= scale));
  }
  return out;
}

/** For each row, the `count` other rows that are nearest by the angle between them, the nearest first. */
export function nearestRows(rows: Matrix, count: number): number[][] {
  const unit = { ...rows, data: rows.data.slice() };
  for (let i = 0; i < unit.rows; i++) {
    const row = rowOf(unit, i);
    const length = Math.sqrt(dot(row, row)) || 1;
    row.forEach((_, j) => (row[j] /= length));
  }
  const similarity = timesTransposed(unit, unit);
  return Array.from({ length: unit.rows }, (_, i) => {
    const near = rowOf(similarity, i);
    const others = Array.from({ length: unit.rows }, (_, j) => j).filter((j) => j !== i);
    return others.sort((a, b) => near[b] - near[a] || a - b).slice(0, count);
  });
}
