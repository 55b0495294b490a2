/** @file Bytes to host arrays and back: checked sizes, and views without copying where they are aligned. */

import { OcelliError } from "../errors.ts";
import { byteSize, hostArray, sizeOf, typedArray } from "../graph/dtype.ts";
import type { DType, HostArray, Shape, TypedArray } from "../graph/dtype.ts";

/** Element types found in files: ours, and the integers that are widened without loss on reading. */
export type StoredType = DType | "int8" | "int16" | "uint16" | "uint64";

/** Bytes that are read in ranges: an array of bytes, or a file that may be too large for one. */
export interface ByteRanges {
  readonly length: number;
  /** The bytes from `begin` up to `end`, both within the length; a view where there is one. */
  readonly subarray: (begin: number, end: number) => Uint8Array;
}

/** An error about the content of a file. */
export const formatError = (message: string, cause?: unknown): OcelliError =>
  new OcelliError("format", message, cause === undefined ? {} : { cause });

/** Runs a parser; whatever it throws (a read past the end, a decoder's error) becomes one format error. */
export function guard<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OcelliError) throw error;
    throw formatError(`${what} is truncated or damaged.`, error);
  }
}

/** A range that a file claims to have; outside of it is a format error. */
export function rangeOf(bytes: ByteRanges, begin: number, end: number, what: string): Uint8Array {
  if (begin < 0 || end < begin || end > bytes.length) {
    throw formatError(`${what} is truncated or damaged.`);
  }
  return bytes.subarray(begin, end);
}

/** The text of UTF-8 bytes; malformed UTF-8 is a format error. */
export const decodeUtf8 = (bytes: Uint8Array, what: string): string =>
  guard(what, () => utf8.decode(bytes));

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A view of a typed array. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** An unsigned 64-bit field as a number; beyond 2^53 is a format error. */
export function readUint64(view: DataView, offset: number, what: string): number {
  const value = Number(view.getBigUint64(offset, true));
  if (!Number.isSafeInteger(value)) throw formatError(`${what}: the size ${value} is impossible.`);
  return value;
}

/** NumPy's limit; more axes only occur in damaged files. */
const MAX_RANK = 64;

/** The number of elements of a shape read from a file; impossible extents are a format error. */
export function checkedSize(shape: Shape, what: string): number {
  if (shape.length > MAX_RANK) throw formatError(`${what}: ${shape.length} axes are impossible.`);
  const size = sizeOf(shape);
  if (![...shape, size].every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw formatError(`${what}: the shape [${shape}] is impossible.`);
  }
  return size;
}

/** Bytes of one stored element. */
export function storedSize(type: StoredType): number {
  if (type === "int8") return 1;
  if (type === "int16" || type === "uint16") return 2;
  return type === "uint64" ? 8 : byteSize(type);
}

/**
 * The host array that bytes hold, row-major and exactly filled: a view where the bytes are little-endian, aligned and
 * of one of our types, else a copy (int8, int16, uint16 → int32; uint64 → int64 where every value fits).
 */
export function arrayFromBytes(
  bytes: Uint8Array,
  shape: Shape,
  type: StoredType,
  what: string,
  { bigEndian = false } = {},
): HostArray {
  const size = checkedSize(shape, what);
  const width = storedSize(type);
  if (bytes.length !== size * width) {
    throw formatError(
      `${what}: ${type} of shape [${shape}] takes ${size * width} bytes, not ${bytes.length}.`,
    );
  }
  let aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice copies nothing
  if (bigEndian && width > 1) aligned = swapBytes(bytes, width);
  const { buffer, byteOffset } = aligned;
  switch (type) {
    case "int8":
      return hostArray(shape, "int32", Int32Array.from(new Int8Array(buffer, byteOffset, size)));
    case "int16":
      return hostArray(shape, "int32", Int32Array.from(new Int16Array(buffer, byteOffset, size)));
    case "uint16":
      return hostArray(shape, "int32", Int32Array.from(new Uint16Array(buffer, byteOffset, size)));
    case "uint64": {
      const data = new BigInt64Array(buffer, byteOffset, size);
      if (data.some((value) => value < 0n)) {
        throw new OcelliError("unsupported", `${what}: uint64 values above 2^63 do not fit int64.`);
      }
      return hostArray(shape, "int64", data);
    }
    case "bool":
      if (aligned.some((byte) => byte > 1))
        throw formatError(`${what}: a bool is neither 0 nor 1.`);
  }
  return hostArray(shape, type, typedArray(type, buffer, byteOffset, size));
}

/** The bytes of a host array's data, row-major and little-endian, without copying; the array is checked. */
export function bytesOf({ shape, dtype, data }: HostArray): Uint8Array {
  const { buffer, byteOffset, byteLength }: TypedArray = hostArray(shape, dtype, data).data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** All chunks in one array. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += width) {
    for (let i = 0; i < width; i++) out[at + i] = bytes[at + width - 1 - i];
  }
  return out;
}
