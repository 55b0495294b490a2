/** @file C structures by layout: zeroed memory outside V8's heap, with named fields. */

import koffi from "koffi";
import { STRUCTS, type StructName } from "./layout.ts";

/** An address in native memory; 0n is null. */
export type Pointer = bigint;

/** The field names of a structure. */
export type FieldName<N extends StructName> = keyof (typeof STRUCTS)[N]["fields"] & string;

/** What a field is set to; memory and nested structures are passed by address and kept alive. */
export type FieldValue = Pointer | number | boolean | string | NodeJS.ArrayBufferView | Struct;

/** Values by field name. */
export type Fields<N extends StructName> = { readonly [F in FieldName<N>]?: FieldValue };

const encoder = new TextEncoder();

/** V8 keeps small buffers inside its heap, where they move; larger ones have a steady address. */
const OFF_HEAP_BYTES = 72;

/** Zeroed memory of at least `size` bytes at a steady address. */
export const stableBytes = (size: number): Buffer =>
  Buffer.allocUnsafeSlow(Math.max(size, OFF_HEAP_BYTES)).fill(0);

/** The address of memory that does not move as long as `view` is held. */
export function addressOf(view: NodeJS.ArrayBufferView): Pointer {
  void view.buffer; // takes a small typed array's elements out of V8's moving heap
  return koffi.address(view);
}

/** A list of pointers in native memory. */
export class PointerList {
  readonly words: BigUint64Array;
  readonly length: number;

  constructor(pointers: readonly Pointer[] | number) {
    this.length = typeof pointers === "number" ? pointers : pointers.length;
    const { buffer } = stableBytes(8 * this.length);
    this.words = new BigUint64Array(buffer as ArrayBuffer, 0, Math.max(this.length, 1));
    if (typeof pointers !== "number") pointers.forEach((pointer, i) => (this.words[i] = pointer));
  }

  /** The pointers that a call wrote. */
  toArray(): Pointer[] {
    return [...this.words.subarray(0, this.length)];
  }
}

/** One structure. What its fields point to lives as long as it does. */
export class Struct<N extends StructName = StructName> {
  readonly bytes: Buffer;
  readonly #fields: Readonly<Record<string, readonly [offset: number, bytes: number]>>;
  readonly #kept: unknown[] = [];

  constructor(name: N, values: Fields<N> = {}) {
    const { size, fields } = STRUCTS[name];
    this.bytes = stableBytes(Math.ceil(size / 8) * 8);
    this.bytes.writeBigUInt64LE(BigInt(size), 0);
    this.#fields = fields;
    for (const [field, value] of Object.entries<FieldValue | undefined>(values)) {
      if (value !== undefined) this.#set(field, value);
    }
  }

  get address(): Pointer {
    return addressOf(this.bytes);
  }

  #set(field: string, value: FieldValue): void {
    const [offset, bytes] = this.#fields[field];
    if (value instanceof Struct) {
      this.#kept.push(value);
      this.bytes.writeBigUInt64LE(value.address, offset);
    } else if (typeof value === "string" || ArrayBuffer.isView(value)) {
      this.#point(field, typeof value === "string" ? encoder.encode(value) : value);
    } else if (bytes === 8) {
      this.bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), offset);
    } else if (bytes === 4) {
      this.bytes.writeInt32LE(Number(value), offset);
    } else {
      this.bytes.writeUInt8(Number(value), offset);
    }
  }

  /** Points a field at memory; a `…_size` field beside it gets its length. */
  #point(field: string, view: NodeJS.ArrayBufferView): void {
    this.#kept.push(view);
    this.bytes.writeBigUInt64LE(addressOf(view), this.#fields[field][0]);
    const size = this.#fields[`${field}_size`];
    if (size) this.bytes.writeBigUInt64LE(BigInt(view.byteLength), size[0]);
  }

  /** A pointer or 64-bit count. */
  pointer(field: FieldName<N>): Pointer {
    return this.bytes.readBigUInt64LE(this.#fields[field][0]);
  }

  /** A number of any width. */
  number(field: FieldName<N>): number {
    const [offset, bytes] = this.#fields[field];
    if (bytes === 8) return Number(this.bytes.readBigInt64LE(offset));
    return bytes === 4 ? this.bytes.readInt32LE(offset) : this.bytes.readUInt8(offset);
  }

  /** The text that a pointer field and the `…_size` field beside it describe. */
  text(field: FieldName<N>): string {
    const size = Number(this.bytes.readBigUInt64LE(this.#fields[`${field}_size`][0]));
    return readText(this.pointer(field), size);
  }
}

/** Text of a given length in native memory. */
const readText = (address: Pointer, size: number): string =>
  size === 0 ? "" : Buffer.from(koffi.view(address, size)).toString("utf8");

/** Pointers in native memory. */
export const readPointers = (address: Pointer, count: number): Pointer[] =>
  count === 0 ? [] : [...new BigUint64Array(koffi.view(address, 8 * count))];
