/** @file Rows that hold several of each image, and options that objectives of two streams share. */

import { z } from "zod";
import { type Tensor, broadcastInDim, reshape, sliceAxis } from "../../graph/index.ts";

/** How much a loss counts. */
export const weight = z.number().min(0);

/** Each row [n, width] so many times in turn: [n · times, width]. */
export function eachRow(x: Tensor, times: number): Tensor {
  const [rows, width] = x.shape;
  return reshape(broadcastInDim(x, [rows, times, width], [0, 2]), [rows * times, width]);
}

/** The first of every so many rows. */
export const firstOfEach = (x: Tensor, times: number): Tensor =>
  sliceAxis(x, 0, 0, x.shape[0], times);
