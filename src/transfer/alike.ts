/** @file Which pictures are alike: the cosine between their features once the mean of all is taken away. */

import type { HostArray } from "../graph/index.ts";

/** Centred features of length 1, a row each. */
export interface UnitRows {
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** The rows of features [rows, width] without their mean, each divided by its length; a row of zeros stays. */
export function unitRows({ shape: [rows, width], data }: HostArray): UnitRows {
  const x = data as Float32Array;
  const mean = new Float64Array(width);
  x.forEach((value, i) => (mean[i % width] += value / rows));
  const unit = new Float32Array(x.length);
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    let squares = 0;
    for (let k = 0; k < width; k++) squares += (x[at + k] - mean[k]) ** 2;
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let k = 0; k < width; k++) unit[at + k] = (x[at + k] - mean[k]) * scale;
  }
  return { rows, width, data: unit };
}

/** The cosine of two rows, from -1 to 1. */
export function cosine({ width, data }: UnitRows, a: number, b: number): number {
  let sum = 0;
  for (let k = 0, i = a * width, j = b * width; k < width; k++) sum += data[i + k] * data[j + k];
  return sum;
}
