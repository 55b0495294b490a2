/** @file Values of the reference interpreter: decoded arrays, rounded to their dtype after every operation. */

import { OcelliError } from "../errors.ts";
import {
  type DType,
  type HostArray,
  type Shape,
  fromBfloat16Bits,
  fromFloat16Bits,
  fromNumbers,
  hostArray,
  isFloat,
  sizeOf,
  toBfloat16Bits,
  toFloat16Bits,
} from "./dtype.ts";

/** Numbers as the interpreter computes with them: bfloat16 and float16 live decoded in a Float32Array. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** A decoded array of the interpreter. */
export interface Value {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: Numbers;
}

/** Zeroed storage for `size` elements of a dtype. */
export function allocate(dtype: DType, size: number): Numbers {
  switch (dtype) {
    case "float32":
    case "bfloat16":
    case "float16":
      return new Float32Array(size);
    case "float64":
      return new Float64Array(size);
    case "int32":
      return new Int32Array(size);
    case "uint32":
      return new Uint32Array(size);
    case "uint8":
    case "bool":
      return new Uint8Array(size);
    case "int64":
      throw new OcelliError("unsupported", "int64 exists at format edges only; convert to int32.");
  }
}

/** A zeroed value. */
export const zerosValue = (shape: Shape, dtype: DType): Value => ({
  shape,
  dtype,
  data: allocate(dtype, sizeOf(shape)),
});

/** The sum of two numbers of a dtype; integers wrap. What is kept between two sums may have a sign where the dtype has none. */
export const additionOf = (dtype: DType): ((a: number, b: number) => number) =>
  isFloat(dtype) ? (a, b) => a + b : (a, b) => (a + b) | 0;

/** The product of two numbers of a dtype; integers wrap. */
export const multiplicationOf = (dtype: DType): ((a: number, b: number) => number) =>
  isFloat(dtype) ? (a, b) => a * b : Math.imul;

/** Rounds half-width floats in place to what their dtype can hold; other dtypes are exact already. */
export function roundValue(value: Value): Value {
  const { dtype, data } = value;
  if (dtype === "bfloat16") {
    for (let i = 0; i < data.length; i++) data[i] = fromBfloat16Bits(toBfloat16Bits(data[i]));
  } else if (dtype === "float16") {
    for (let i = 0; i < data.length; i++) data[i] = fromFloat16Bits(toFloat16Bits(data[i]));
  }
  return value;
}

/** Decodes a host array. */
export function decode(array: HostArray): Value {
  const { shape, dtype, data } = array;
  if (dtype === "bfloat16" || dtype === "float16") {
    const decodeBits = dtype === "bfloat16" ? fromBfloat16Bits : fromFloat16Bits;
    return { shape, dtype, data: Float32Array.from(data as Uint16Array, decodeBits) };
  }
  if (dtype === "int64") {
    throw new OcelliError("unsupported", "int64 exists at format edges only; convert to int32.");
  }
  return { shape, dtype, data: data as Numbers };
}

/** Encodes a value as a host array; full-width data is shared, not copied. */
export function encode({ shape, dtype, data }: Value): HostArray {
  return dtype === "bfloat16" || dtype === "float16"
    ? fromNumbers(data, shape, dtype)
    : hostArray(shape, dtype, data);
}

/** Calls `visit(flat, index)` for every element of a shape in row-major order; `index` is reused. */
export function forEachIndex(shape: Shape, visit: (flat: number, index: number[]) => void): void {
  const size = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < size; flat++) {
    visit(flat, index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/** The flat offset of an index under strides. */
export function offsetOf(index: readonly number[], strides: readonly number[]): number {
  let offset = 0;
  for (let i = 0; i < strides.length; i++) offset += index[i] * strides[i];
  return offset;
}

/** A value whose elements are copied from `from` at the flat position `source(index)`. */
export function gatherValue(
  from: Value,
  shape: Shape,
  source: (index: readonly number[]) => number,
): Value {
  const result = zerosValue(shape, from.dtype);
  forEachIndex(shape, (flat, index) => {
    result.data[flat] = from.data[source(index)];
  });
  return result;
}
