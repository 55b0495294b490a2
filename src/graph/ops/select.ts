/** @file Elementwise comparison, selection and conversion. */

import { type DType, byteSize, isFloat, isInteger, sameShape } from "../dtype.ts";
import {
  type Cotangent,
  type Primitive,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
} from "../tensor.ts";
import { allocate, roundValue } from "../values.ts";
import {
  type TensorLike,
  broadcastBatch,
  broadcastShape,
  broadcastTo,
  promote,
} from "./broadcast.ts";
import { scalar, zerosLike } from "./constant.ts";
import { type NoAttrs, checkSame } from "./pointwise.ts";

const comparisons = {
  eq: (x: number, y: number) => x === y,
  ne: (x: number, y: number) => x !== y,
  lt: (x: number, y: number) => x < y,
  le: (x: number, y: number) => x <= y,
  gt: (x: number, y: number) => x > y,
  ge: (x: number, y: number) => x >= y,
};
/** A comparison; any comparison with NaN is false but `ne`. */
export type Direction = keyof typeof comparisons;

const compareP: Primitive<"compare", { direction: Direction }> = {
  name: "compare",
  infer(inputs) {
    checkSame("compare", inputs);
    return [{ shape: inputs[0].shape, dtype: "bool" }];
  },
  gradient: "none",
  batch: (context) => [emitOne(compareP, broadcastBatch(context), context.attrs)],
  interpret([x, y], { direction }) {
    const data = new Uint8Array(x.data.length);
    const compute = comparisons[direction];
    for (let i = 0; i < data.length; i++) data[i] = compute(x.data[i], y.data[i]) ? 1 : 0;
    return [{ shape: x.shape, dtype: "bool", data }];
  },
};

const selectP: Primitive<"select", NoAttrs> = {
  name: "select",
  infer(inputs) {
    const [predicate, x, y] = inputs;
    if (predicate.dtype !== "bool")
      throw dtypeError("select", inputs, "the predicate must be bool");
    checkSame("select", [x, y]);
    if (!sameShape(predicate.shape, x.shape)) {
      throw shapeError("select", inputs, "the predicate must have the operands' shape");
    }
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  gradient({ inputs: [predicate], needs }, [d]): Cotangent[] {
    if (!d) return [null, null, null];
    const zero = zerosLike(d);
    return [
      null,
      needs[1] ? select(predicate, d, zero) : null,
      needs[2] ? select(predicate, zero, d) : null,
    ];
  },
  batch: (context) => [emitOne(selectP, broadcastBatch(context), {})],
  interpret([predicate, x, y]) {
    const data = allocate(x.dtype, x.data.length);
    for (let i = 0; i < data.length; i++) data[i] = predicate.data[i] ? x.data[i] : y.data[i];
    return [{ shape: x.shape, dtype: x.dtype, data }];
  },
};

/** Float to integer truncates towards zero, saturates at the ends and takes NaN to 0; integers wrap. */
function convertNumber(x: number, from: DType, to: DType): number {
  if (to === "bool") return x === 0 ? 0 : 1;
  if (!isInteger(to) || !isFloat(from)) return x;
  const [low, high] =
    to === "int32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, to === "uint8" ? 255 : 2 ** 32 - 1];
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high);
}

const convertP: Primitive<"convert", { dtype: DType }> = {
  name: "convert",
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  gradient: ({ inputs: [x] }, [d]) => [d && isFloat(x.dtype) ? convert(d, x.dtype) : null],
  batch: ({ inputs, attrs }) => [emitOne(convertP, inputs, attrs)],
  interpret([x], { dtype }) {
    const data = allocate(dtype, x.data.length);
    for (let i = 0; i < data.length; i++) data[i] = convertNumber(x.data[i], x.dtype, dtype);
    return [roundValue({ shape: x.shape, dtype, data })];
  },
};

/** The comparing, selecting and converting primitives by name. */
export const selectPrimitives = { compare: compareP, select: selectP, convert: convertP };

const comparison =
  (direction: Direction) =>
  (x: TensorLike, y: TensorLike): Tensor =>
    emitOne(compareP, promote(`compare ${direction}`, x, y), { direction });
export const equal = comparison("eq");
export const notEqual = comparison("ne");
export const less = comparison("lt");
export const lessEqual = comparison("le");
export const greater = comparison("gt");
export const greaterEqual = comparison("ge");

/** `x` where the predicate holds, else `y`; all three broadcast. Of two numbers it makes float32, of two booleans bool. */
export function select(predicate: Tensor, x: TensorLike, y: TensorLike): Tensor {
  const kinds = [typeof x, typeof y];
  const arePlain = kinds.every((kind) => kind === "number" || kind === "boolean");
  const dtype = kinds.includes("number") ? "float32" : "bool";
  const [a, b] = promote("select", arePlain ? scalar(x as number | boolean, dtype) : x, y);
  const shape = broadcastShape("select", [predicate, a, b]);
  return emitOne(
    selectP,
    [broadcastTo(predicate, shape), broadcastTo(a, shape), broadcastTo(b, shape)],
    {},
  );
}

/** The same numbers in another dtype; float to integer truncates and saturates, NaN becomes 0. */
export const convert = (x: Tensor, dtype: DType): Tensor =>
  x.dtype === dtype ? x : emitOne(convertP, [x], { dtype });

/** Half-width floats as float32, in which their statistics are made; other tensors as they are. */
export const widened = (x: Tensor): Tensor =>
  isFloat(x.dtype) && byteSize(x.dtype) < 4 ? convert(x, "float32") : x;

/** Where x is NaN. */
export const isNaN = (x: Tensor): Tensor => notEqual(x, x);
