/**
 * @file How pages of parquet files write values: plainly, as runs, and as differences. Work and memory are bounded by the
 * count of values that is asked for.
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */

import type { Budget } from "../budget.ts";
import { viewOf } from "../bytes.ts";
import type { ParquetColumn } from "./metadata.ts";

/** Bytes that are read from front to back; a read past the end is an error. */
export class ByteCursor {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  take(size: number): Uint8Array {
    if (size < 0 || size > this.bytes.length - this.at) throw new Error("a page ends early");
    return this.bytes.subarray(this.at, (this.at += size));
  }

  /** An unsigned number of 32 bits in one to five bytes. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 35; factor *= 128) {
      const [byte] = this.take(1);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new Error("a number in a page is too long");
  }

  /** A signed number of 64 bits, its sign in the lowest bit. */
  zigzag(): bigint {
    let folded = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte] = this.take(1);
      folded |= BigInt(byte & 127) << shift;
      if (byte < 128) return (folded >> 1n) ^ -(folded & 1n);
    }
    throw new Error("a number in a page is too long");
  }
}

/** Numbers of up to 32 bits as runs of one value, and groups of eight packed into bits. */
export function readRuns(cursor: ByteCursor, width: number, count: number): Uint32Array {
  if (width > 32) throw new Error("a page's values are too wide");
  const values = new Uint32Array(count);
  for (let seen = 0; seen < count;) {
    const head = cursor.varint();
    const isPacked = head % 2 === 1;
    const length = Math.floor(head / 2) * (isPacked ? 8 : 1);
    const end = Math.min(count, seen + length);
    if (!isPacked) {
      const value = cursor.take(Math.ceil(width / 8)).reduceRight((sum, b) => sum * 256 + b, 0);
      values.fill(value, seen, end);
      seen = end;
      continue;
    }
    // the last group may be cut to the bytes that hold its values
    const left = cursor.bytes.length - cursor.at;
    const packed = cursor.take(Math.min((length / 8) * width, left));
    if ((end - seen) * width > 8 * packed.length) throw new Error("a page ends early");
    for (let bit = 0; seen < end; bit += width) values[seen++] = bitsAt(packed, bit, width);
  }
  return values;
}

/** A number of up to 32 bits, its lowest bit first. */
function bitsAt(bytes: Uint8Array, from: number, width: number): number {
  let value = 0;
  for (let got = 0; got < width;) {
    const at = from + got;
    const some = Math.min(8 - (at & 7), width - got);
    value += ((bytes[at >> 3] >> (at & 7)) & ((1 << some) - 1)) * 2 ** got;
    got += some;
  }
  return value;
}

/** Values one after the other: numbers, or bytes after their length. */
export function readPlain(
  cursor: ByteCursor,
  { type }: ParquetColumn,
  count: number,
): ArrayLike<unknown> {
  const widths = { INT32: 4, INT64: 8, FLOAT: 4, DOUBLE: 8, BYTE_ARRAY: 4, other: 0 } as const;
  const width = widths[type];
  if (width === 0) throw new Error("a column's type is not supported");
  if (count * width > cursor.bytes.length - cursor.at) throw new Error("a page ends early");
  if (type === "BYTE_ARRAY") {
    return Array.from({ length: count }, () =>
      cursor.take(viewOf(cursor.take(4)).getUint32(0, true)),
    );
  }
  const view = viewOf(cursor.take(count * width));
  return Array.from({ length: count }, (_, i) => {
    if (type === "INT32") return view.getInt32(i * 4, true);
    if (type === "INT64") return view.getBigInt64(i * 8, true);
    return type === "FLOAT" ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true);
  });
}

/** Whole numbers as their differences, packed by blocks. */
export function readDeltas(cursor: ByteCursor, width: 32 | 64, count: number): BigInt64Array {
  const block = cursor.varint();
  const parts = cursor.varint();
  const total = cursor.varint();
  const each = block / parts; // values of a part
  if (!(Number.isInteger(each) && each > 0 && each % 8 === 0 && total === count)) {
    throw new Error("a block of differences is damaged");
  }
  const values = new BigInt64Array(count);
  let value = cursor.zigzag();
  for (let seen = 0; seen < count;) {
    if (seen === 0) values[seen++] = value;
    if (seen === count) break;
    const least = cursor.zigzag();
    const widths = cursor.take(parts);
    for (let part = 0; part < parts && seen < count; part++) {
      const bits = widths[part];
      if (bits > width) throw new Error("a block of differences is damaged");
      const packed = cursor.take((each / 8) * bits);
      for (let i = 0; i < each && seen < count; i++) {
        const low = bitsAt(packed, i * bits, Math.min(bits, 32));
        const high = bits > 32 ? bitsAt(packed, i * bits + 32, bits - 32) : 0;
        value = BigInt.asIntN(width, value + least + ((BigInt(high) << 32n) | BigInt(low)));
        values[seen++] = value;
      }
    }
  }
  return values;
}

/** Bytes whose lengths are written before as differences. */
export function readLengthsAndBytes(cursor: ByteCursor, count: number): Uint8Array[] {
  const lengths = readDeltas(cursor, 32, count);
  return Array.from(lengths, (length) => cursor.take(Number(length)));
}

/** Bytes that share their beginnings with those before; what they take together is taken from the budget. */
export function readSharedBytes(cursor: ByteCursor, count: number, budget: Budget): Uint8Array[] {
  const shared = readDeltas(cursor, 32, count);
  const rest = readLengthsAndBytes(cursor, count);
  let before: Uint8Array = new Uint8Array();
  return rest.map((end, i) => {
    const length = Number(shared[i]);
    if (length < 0 || length > before.length) throw new Error("a shared beginning is damaged");
    budget.takeBytes(length + end.length);
    const value = new Uint8Array(length + end.length);
    value.set(before.subarray(0, length));
    value.set(end, length);
    return (before = value);
  });
}
