/** @file What gather and the scatters share: which elements their indices address. */

import { type Shape, isInteger, stridesOf } from "../dtype.ts";
import { type Spec, type Tensor, dtypeError, shapeError } from "../tensor.ts";
import { clip } from "./binary.ts";
import { convert, equal } from "./select.ts";
import { broadcastInDim } from "./stretch.ts";

/** Which axis the indices address, and how many leading axes operand and indices share. */
export interface GatherDimensions {
  readonly axis: number;
  readonly batchDims: number;
}

export function checkIndices(
  operation: string,
  inputs: readonly Spec[],
  dims: GatherDimensions,
): void {
  const [operand, indices] = inputs;
  const { axis, batchDims } = dims;
  if (!isInteger(indices.dtype)) throw dtypeError(operation, inputs, "indices must be integers");
  if (!(batchDims >= 0 && batchDims <= axis && axis < operand.shape.length)) {
    throw shapeError(
      operation,
      inputs,
      `batchDims ${batchDims} ≤ axis ${axis} < rank does not hold`,
    );
  }
  for (let i = 0; i < batchDims; i++) {
    if (operand.shape[i] !== indices.shape[i]) {
      throw shapeError(operation, inputs, `leading axis ${i} differs in extent`);
    }
  }
}

export const gatheredShape = (
  operand: Spec,
  indices: Spec,
  { axis, batchDims }: GatherDimensions,
): Shape => [
  ...operand.shape.slice(0, axis),
  ...indices.shape.slice(batchDims),
  ...operand.shape.slice(axis + 1),
];

/** For each gathered element: its flat operand position at index 0, and the flat position of its index. */
export function addresses(operand: Spec, indices: Spec, dims: GatherDimensions) {
  const { axis, batchDims } = dims;
  const shape = gatheredShape(operand, indices, dims);
  const indexRank = indices.shape.length - batchDims;
  const from = stridesOf(operand.shape);
  const at = stridesOf(indices.shape);
  const zeros = new Array<number>(indexRank).fill(0);
  return {
    shape,
    stride: from[axis],
    operandStrides: [...from.slice(0, axis), ...zeros, ...from.slice(axis + 1)],
    indexStrides: shape.map((_, i) => {
      if (i < batchDims) return at[i];
      return i >= axis && i < axis + indexRank ? at[batchDims + i - axis] : 0;
    }),
  };
}

/** Indices limited to 0 … last; uint8, which may not hold `last`, as int32. */
export const clampIndex = (indices: Tensor, last: number): Tensor =>
  clip(indices.dtype === "uint8" ? convert(indices, "int32") : indices, 0, Math.max(last, 0));

/** Where indices address an element of the operand. */
export function insideOf(operand: Spec, indices: Tensor, { axis }: GatherDimensions): Tensor {
  const clamped = clampIndex(indices, operand.shape[axis] - 1);
  return equal(clamped, convert(indices, clamped.dtype));
}

/** Where the axes of indices stand in a gather's result. */
export const indexAxes = (indices: Spec, { axis, batchDims }: GatherDimensions): number[] =>
  indices.shape.map((_, i) => (i < batchDims ? i : axis + i - batchDims));

/** What holds for indices, for all elements of their slices: stretched to the shape of a gather's result. */
export const indexPlaces = (x: Tensor, shape: Shape, dims: GatherDimensions): Tensor =>
  broadcastInDim(x, shape, indexAxes(x, dims));
