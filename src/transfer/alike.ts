/** @file Which pictures are alike: the cosine between their features. */

import { type HostArray, hostArray } from "../graph/index.ts";

/** Features of length 1, a row each. */
export interface UnitRows {
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** The rows of features [rows, width], each divided by its length; a row of zeros stays. */
export function unitRows({ shape: [rows, width], data }: HostArray): UnitRows {
  const unit = Float32Array.from(data as Float32Array);
  for (let row = 0; row < rows; row++) {
    const own = unit.subarray(row * width, (row + 1) * width);
    const squares = own.reduce((sum, value) => sum + value ** 2, 0);
    if (squares > 0) own.forEach((value, k) => (own[k] = value / Math.sqrt(squares)));
  }
  return { rows, width, data: unit };
}

/** The same once the mean of all rows is taken away: what all pictures share tells none apart. */
export function centredRows({ shape, data }: HostArray): UnitRows {
  const [rows, width] = shape;
  const x = data as Float32Array;
  const mean = new Float64Array(width);
  x.forEach((value, i) => (mean[i % width] += value / rows));
  return unitRows(
    hostArray(
      shape,
      "float32",
      x.map((value, i) => value - mean[i % width]),
    ),
  );
}

/** The cosine of two rows, from -1 to 1. */
export function cosine({ width, data }: UnitRows, a: number, b: number): number {
  let sum = 0;
  for (let k = 0, i = a * width, j = b * width; k < width; k++) sum += data[i + k] * data[j + k];
  return sum;
}
