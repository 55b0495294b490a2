/** @file Element types, host arrays, and the conversions between half-width floats and float32. */

import { OcelliError } from "../errors.ts";

/** Element types of programs; float64 lives in the interpreter only, int64 at format edges only. */
export type DType =
  "float32" | "bfloat16" | "float16" | "float64" | "int32" | "uint32" | "uint8" | "bool" | "int64";

/** All element types, widest use first. */
export const DTYPES: readonly DType[] = [
  "float32",
  "bfloat16",
  "float16",
  "float64",
  "int32",
  "uint32",
  "uint8",
  "bool",
  "int64",
];

/** Static extents, outermost first. */
export type Shape = readonly number[];

/** The typed arrays that hold elements; bfloat16 and float16 as bits in a Uint16Array, bool as 0/1 bytes. */
export type TypedArray =
  Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array | Uint16Array | BigInt64Array;

/** An array in host memory, row-major. */
export interface HostArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TypedArray;
}

interface DTypeInfo {
  readonly bytes: number;
  readonly kind: "float" | "int" | "bool";
  readonly array: new (buffer: ArrayBufferLike, offset?: number, length?: number) => TypedArray;
}

const INFO: Record<DType, DTypeInfo> = {
  float32: { bytes: 4, kind: "float", array: Float32Array },
  bfloat16: { bytes: 2, kind: "float", array: Uint16Array },
  float16: { bytes: 2, kind: "float", array: Uint16Array },
  float64: { bytes: 8, kind: "float", array: Float64Array },
  int32: { bytes: 4, kind: "int", array: Int32Array },
  uint32: { bytes: 4, kind: "int", array: Uint32Array },
  uint8: { bytes: 1, kind: "int", array: Uint8Array },
  bool: { bytes: 1, kind: "bool", array: Uint8Array },
  int64: { bytes: 8, kind: "int", array: BigInt64Array },
};

/** Bytes of one element. */
export const byteSize = (dtype: DType): number => INFO[dtype].bytes;
export const isFloat = (dtype: DType): boolean => INFO[dtype].kind === "float";
export const isInteger = (dtype: DType): boolean => INFO[dtype].kind === "int";

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, i) => extent === b[i]);

/** A typed array over a buffer, or a fresh zeroed one of `size` elements. */
export function typedArray(
  dtype: DType,
  source: number | ArrayBufferLike,
  offset = 0,
  size?: number,
): TypedArray {
  const { array: Constructor, bytes } = INFO[dtype];
  return typeof source === "number"
    ? new Constructor(new ArrayBuffer(source * bytes))
    : new Constructor(source, offset, size);
}

/** A host array over data; an error where the data's length or type does not fit. */
export function hostArray(shape: Shape, dtype: DType, data: TypedArray): HostArray {
  if (data.length !== sizeOf(shape)) {
    throw new OcelliError(
      "shape",
      `shape [${shape}] holds ${sizeOf(shape)} elements, the data ${data.length}.`,
    );
  }
  if (!(data instanceof INFO[dtype].array)) {
    throw new OcelliError(
      "dtype",
      `${dtype} data lives in a ${INFO[dtype].array.name}, not in a ${data.constructor.name}.`,
    );
  }
  return { shape, dtype, data };
}

const word = new DataView(new ArrayBuffer(4));

/** The float32 next to the one nearest to a number, above it (1) or below it (−1). */
export function nextFloat32(value: number, direction: 1 | -1): number {
  const from = Math.fround(value);
  if (Number.isNaN(from) || from === direction * Infinity) return from;
  if (from === 0) return direction * 2 ** -149;
  word.setFloat32(0, from);
  word.setUint32(0, word.getUint32(0) + (from > 0 ? direction : -direction));
  return word.getFloat32(0);
}

/** The nearest bfloat16 of a number (ties to even), as bits. */
export function toBfloat16Bits(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getUint32(0);
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The number that bfloat16 bits stand for. */
export function fromBfloat16Bits(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

/** The nearest float16 of a number (ties to even, overflow to infinity), as bits. */
export function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  const e = 2 ** exponent > magnitude ? exponent - 1 : exponent;
  const mantissa = roundHalfEven((magnitude / 2 ** e - 1) * 1024);
  return sign | (((e + 15) << 10) + mantissa);
}

/** The number that float16 bits stand for. */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The nearest integer, ties to even (IEEE 754 roundTiesToEven); the sign of zero is kept. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const down = rest < 0.5 || (rest === 0.5 && floor % 2 === 0);
  const nearest = down || Number.isNaN(rest) ? floor : floor + 1;
  return nearest === 0 ? 0 * value : nearest;
}

/** The numbers of a host array as plain numbers: half floats decoded, bool as 0/1, int64 narrowed. */
export function toNumbers(array: HostArray): number[] {
  const { dtype, data } = array;
  if (dtype === "bfloat16") return Array.from(data as Uint16Array, fromBfloat16Bits);
  if (dtype === "float16") return Array.from(data as Uint16Array, fromFloat16Bits);
  return Array.from(data as Float32Array, Number);
}

/** A host array from plain numbers, each rounded to the element type. */
export function fromNumbers(values: ArrayLike<number>, shape: Shape, dtype: DType): HostArray {
  const data = typedArray(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    if (dtype === "bfloat16") data[i] = toBfloat16Bits(values[i]);
    else if (dtype === "float16") data[i] = toFloat16Bits(values[i]);
    else if (dtype === "bool") data[i] = values[i] ? 1 : 0;
    else if (dtype === "int64") (data as BigInt64Array)[i] = BigInt(Math.trunc(values[i]));
    else data[i] = values[i];
  }
  return hostArray(shape, dtype, data);
}
