/** @file Matrices in float64 on the host, for evaluators that solve or rank. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { toNumbers } from "../graph/index.ts";

/** A matrix, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Zeros. */
export const zerosMatrix = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  data: new Float64Array(rows * columns),
});

/** An array of [rows, columns] in float64. */
export function matrixOf(array: HostArray): Matrix {
  const [rows, columns] = array.shape;
  if (array.shape.length === 2) return { rows, columns, data: Float64Array.from(toNumbers(array)) };
  throw new OcelliError("shape", `a matrix is [rows, columns], not [${array.shape}].`);
}

/** One row; it shares the matrix's memory. */
export const rowOf = ({ data, columns }: Matrix, row: number): Float64Array =>
  data.subarray(row * columns, (row + 1) * columns);

/** Some rows of a matrix. */
export function takeRows(matrix: Matrix, rows: readonly number[]): Matrix {
  const out = zerosMatrix(rows.length, matrix.columns);
  rows.forEach((row, i) => out.data.set(rowOf(matrix, row), i * matrix.columns));
  return out;
}

export function transpose(matrix: Matrix): Matrix {
  const out = zerosMatrix(matrix.columns, matrix.rows);
  for (let i = 0; i < matrix.rows; i++) {
    for (let j = 0; j < matrix.columns; j++) {
      out.data[j * matrix.rows + i] = matrix.data[i * matrix.columns + j];
    }
  }
  return out;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** A Bᵀ: the dot products of the rows of A with those of B. */
export function timesTransposed(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.columns) {
    throw new OcelliError("shape", `rows of ${a.columns} and of ${b.columns} do not multiply.`);
  }
  const out = zerosMatrix(a.rows, b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) out.data[i * b.rows + j] = dot(rowOf(a, i), rowOf(b, j));
  }
  return out;
}

/** A B. */
export const times = (a: Matrix, b: Matrix): Matrix => timesTransposed(a, transpose(b));

/** X with A X = B, for a symmetric positive definite A, by Cholesky's factorisation. */
export function solvePositive(a: Matrix, b: Matrix): Matrix {
  const n = a.rows;
  const lower = zerosMatrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const rest =
        a.data[i * n + j] - dot(rowOf(lower, i).subarray(0, j), rowOf(lower, j).subarray(0, j));
      lower.data[i * n + j] = i === j ? Math.sqrt(rest) : rest / lower.data[j * n + j];
    }
    if (!(lower.data[i * n + i] > 0)) {
      throw new OcelliError("data", "the matrix to solve with is not positive definite.");
    }
  }
  const solved = transpose(b); // one right-hand side per row
  const upper = transpose(lower);
  for (let k = 0; k < solved.rows; k++) {
    const x = rowOf(solved, k);
    for (let i = 0; i < n; i++) {
      x[i] = (x[i] - dot(x.subarray(0, i), rowOf(lower, i).subarray(0, i))) / lower.data[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      const above = dot(x.subarray(i + 1), rowOf(upper, i).subarray(i + 1));
      x[i] = (x[i] - above) / lower.data[i * n + i];
    }
  }
  return transpose(solved);
}

/** The index of the largest value, the first of equals. */
export function argMaxOf(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
