/** @file Rows of a batch in groups of one size. */

import { type Tensor, pad, reshape, sliceAxis } from "../graph/index.ts";
import { OcelliError } from "../errors.ts";

/** Rows [batch, …] as groups [groups, size, …]; what is missing in the last is filled with zeros. */
export function groupRows(x: Tensor, size: number): Tensor {
  const [batch, ...rest] = x.shape;
  const groups = Math.ceil(batch / size);
  const fill = rest.map(() => [0, 0] as const);
  const whole = pad(x, [[0, groups * size - batch], ...fill], 0);
  return reshape(whole, [groups, size, ...rest]);
}

/** Groups as rows again, without what was filled. */
export const ungroupRows = (x: Tensor, batch: number): Tensor =>
  sliceAxis(reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]), 0, 0, batch);

/** The size of groups for a chunk that is asked for: the batch where none is, or where it is larger. */
export function chunkOf(chunk: number | undefined, batch: number): number {
  const size = Math.min(chunk ?? batch, batch);
  if (Number.isInteger(size) && size >= 1) return size;
  throw new OcelliError("config", `chunk must be a whole number of 1 or more, not ${chunk}.`, {
    given: chunk,
  });
}
