/** @file What linear algebra shares: stacks of matrices, their triangles and diagonals, and rows that slide past each other. */

import { type Shape, isFloat, sameShape, sizeOf } from "../../dtype.ts";
import { type Spec, type Tensor, dtypeError, shapeError } from "../../tensor.ts";
import { type Value, allocate, roundValue } from "../../values.ts";
import { iota, zerosLike } from "../constant.ts";
import { convert, equal, greaterEqual, lessEqual, select } from "../select.ts";
import { reshape, swapAxes } from "../shape.ts";
import { pad, sliceAxis } from "../slice.ts";
import { add, mul, sub } from "../arithmetic.ts";

/** Checks that an operand is a stack of square matrices of floats. */
export function checkSquare(operation: string, inputs: readonly Spec[]): void {
  const [{ shape, dtype }] = inputs;
  if (!isFloat(dtype)) throw dtypeError(operation, inputs, `takes floats, not ${dtype}`);
  if (shape.length < 2 || shape.at(-1) !== shape.at(-2)) {
    throw shapeError(operation, inputs, "takes square matrices [..., n, n]");
  }
}

/** Checks the operands of a system of equations: matrices [..., n, n] and right-hand sides [..., n, m]. */
export function checkSystem(operation: string, inputs: readonly Spec[]): void {
  checkSquare(operation, inputs);
  const [a, b] = inputs;
  if (a.dtype !== b.dtype) throw dtypeError(operation, inputs, "operands must share one dtype");
  const fits =
    a.shape.length === b.shape.length && sameShape(a.shape.slice(0, -1), b.shape.slice(0, -1));
  if (!fits) {
    throw shapeError(
      operation,
      inputs,
      "takes matrices [..., n, n] and right-hand sides [..., n, m]",
    );
  }
}

/** How many columns are factored together. */
export const blockOf = (n: number): number => (n <= 32 ? n : n <= 512 ? 32 : 64);

/** The number of matrices in a stack. */
export const countOf = (shape: Shape): number => sizeOf(shape.slice(0, -2));

/** Matrices computed one by one in float64, and rounded once: `compute` fills `result` at its offset. */
export function eachMatrix(
  like: Spec,
  compute: (index: number, result: Float64Array) => void,
): Value {
  const size = sizeOf(like.shape.slice(-2));
  const data = allocate(like.dtype, sizeOf(like.shape));
  for (let i = 0; i < countOf(like.shape); i++) {
    const result = new Float64Array(size);
    compute(i, result);
    data.set(result, i * size);
  }
  return roundValue({ shape: like.shape, dtype: like.dtype, data });
}

/** One matrix of a stack, in float64. */
export function matrixAt(x: Value, index: number): Float64Array {
  const size = sizeOf(x.shape.slice(-2));
  return Float64Array.from(x.data.subarray(index * size, (index + 1) * size));
}

/** Matrices with rows and columns exchanged, [..., m, n] → [..., n, m]. */
export const matrixTranspose = (x: Tensor): Tensor => swapAxes(x, -1, -2);

/** (x + xᵀ) / 2. */
export const symmetricPart = (x: Tensor): Tensor => mul(add(x, matrixTranspose(x)), 0.5);

/** How far each element of a matrix lies right of the diagonal. */
function offsets(x: Spec): Tensor {
  const shape = x.shape.slice(-2);
  return sub(iota(shape, "int32", 1), iota(shape, "int32", 0));
}

/** The lower triangle of matrices [..., m, n], up to `k` diagonals above the main one; zeros elsewhere. */
export const tril = (x: Tensor, k = 0): Tensor => select(lessEqual(offsets(x), k), x, zerosLike(x));

/** The upper triangle of matrices [..., m, n], from `k` diagonals above the main one; zeros elsewhere. */
export const triu = (x: Tensor, k = 0): Tensor =>
  select(greaterEqual(offsets(x), k), x, zerosLike(x));

/** The identity matrix [n, n]. */
export const eye = (n: number, dtype: Spec["dtype"] = "float32"): Tensor =>
  convert(equal(iota([n, n], "int32", 0), iota([n, n], "int32", 1)), dtype);

/** Pads or cuts the end of one axis of the last two. */
export function resizeEnd(x: Tensor, axis: -1 | -2, by: number): Tensor {
  const at = x.rank + axis;
  return pad(
    x,
    x.shape.map((_, i) => [0, i === at ? by : 0] as const),
  );
}

/** The main diagonals of square matrices, [..., n, n] → [..., n]. */
export function diagonal(x: Tensor): Tensor {
  checkSquare("diagonal", [x]);
  return reshape(sliceAxis(slideLeft(x), -1, 0, 1), x.shape.slice(0, -1));
}

/** Row k moved k places to the left; what enters at the right is what lies left of the diagonal in the row below. */
function slideLeft(x: Tensor): Tensor {
  const [rows, columns] = x.shape.slice(-2);
  const lead = x.shape.slice(0, -2);
  const flat = reshape(x, [...lead, rows * columns]);
  const longer = resizeEnd(flat, -1, rows);
  return sliceAxis(reshape(longer, [...lead, rows, columns + 1]), -1, 0, columns);
}

/** Row k moved k · step places to the right; what leaves there must be zeros, for it enters the row below. */
export function slideRight(x: Tensor, step = 1): Tensor {
  const [rows, columns] = x.shape.slice(-2);
  const lead = x.shape.slice(0, -2);
  const flat = reshape(resizeEnd(x, -1, step), [...lead, rows * (columns + step)]);
  return reshape(resizeEnd(flat, -1, -rows * step), x.shape);
}

/** Square matrices [batch, n, n] with `more` rows and columns of the identity after their own. */
export function extendSquare(x: Tensor, more: number): Tensor {
  if (more === 0) return x;
  const n = x.shape.at(-1)!;
  const ones = pad(eye(more, x.dtype), [
    [n, 0],
    [n, 0],
  ]);
  return add(
    pad(x, [
      [0, 0],
      [0, more],
      [0, more],
    ]),
    ones,
  );
}
