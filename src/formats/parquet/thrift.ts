/**
 * @file Thrift's compact protocol, as parquet files use it, with every size checked before room is made for it.
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

import { Budget } from "../budget.ts";
import { formatError, viewOf } from "../bytes.ts";

/** A value of a field: integers of every width are numbers, texts are bytes. */
export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** The fields of a struct by number. */
export interface ThriftStruct {
  readonly fields: ReadonlyMap<number, ThriftValue>;
}

const TYPES = { true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7 } as const;
const [BINARY, LIST, STRUCT] = [8, 9, 12];
/** Structs in structs: parquet needs five. */
const MAX_DEPTH = 16;
/** Values of one description; what takes memory of its own counts as several. A column's part takes about a hundred. */
const MAX_ITEMS = 1 << 23;
const COSTS = { struct: 8, list: 4, bytes: 4 };

/** Reads values one after the other; what lies outside the bytes is a format error. */
class ThriftReader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #budget: Budget;

  constructor(bytes: Uint8Array, at: number, what: string) {
    this.#budget = new Budget(what, { items: MAX_ITEMS });
    this.#bytes = bytes;
    this.at = at;
    this.#what = what;
  }

  struct(depth: number): ThriftStruct {
    if (depth > MAX_DEPTH) throw this.#damaged();
    this.#budget.takeItems(COSTS.struct);
    const fields = new Map<number, ThriftValue>();
    for (let field = 0; ;) {
      const head = this.#byte();
      const type = head & 15;
      if (type === 0) return { fields };
      this.#budget.takeItems(1);
      field = head >> 4 ? field + (head >> 4) : this.#integer();
      fields.set(field, type <= TYPES.false ? type === TYPES.true : this.#value(type, depth));
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case TYPES.true: // in a list, where booleans are bytes
      case TYPES.false:
        return this.#byte() === 1;
      case TYPES.byte:
        return (this.#byte() << 24) >> 24;
      case TYPES.i16:
      case TYPES.i32:
      case TYPES.i64:
        return this.#integer();
      case TYPES.double:
        return viewOf(this.#take(8)).getFloat64(0, true);
      case BINARY:
        this.#budget.takeItems(COSTS.bytes);
        return this.#take(this.#varint());
      case LIST:
        return this.#list(depth);
      case STRUCT:
        return this.struct(depth + 1);
      default:
        throw this.#damaged();
    }
  }

  #list(depth: number): ThriftValue[] {
    const head = this.#byte();
    const size = head >> 4 === 15 ? this.#varint() : head >> 4;
    // every element takes a byte at least
    if (size > this.#bytes.length - this.at || depth > MAX_DEPTH) throw this.#damaged();
    this.#budget.takeItems(COSTS.list + size);
    return Array.from({ length: size }, () => this.#value(head & 15, depth + 1));
  }

  #take(size: number): Uint8Array {
    if (size > this.#bytes.length - this.at) throw this.#damaged();
    return this.#bytes.subarray(this.at, (this.at += size));
  }

  #byte(): number {
    return this.#take(1)[0];
  }

  #integer(): number {
    const folded = this.#varint();
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }

  /** An unsigned number; what is beyond 2^53 counts no rows or bytes. */
  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (!Number.isSafeInteger(value)) throw this.#damaged();
      if (byte < 128) return value;
    }
  }

  #damaged() {
    return formatError(`${this.#what} is truncated or damaged.`);
  }
}

/** The struct that begins at a place, and the place after it. */
export function readThrift(
  bytes: Uint8Array,
  at: number,
  what: string,
): { readonly struct: ThriftStruct; readonly end: number } {
  const reader = new ThriftReader(bytes, at, what);
  const struct = reader.struct(0);
  return { struct, end: reader.at };
}

/** Fields of a struct by kind; a wrong kind, or none where one must be, is a format error that names the field. */
export function thriftFields({ fields }: ThriftStruct, what: string) {
  const wrong = (name: string) => formatError(`${what}: ${name} is missing or damaged.`);
  const integer = (field: number, name: string, fallback?: number): number => {
    const value = fields.get(field) ?? fallback;
    if (typeof value === "number" && Number.isInteger(value)) return value;
    throw wrong(name);
  };
  return {
    has: (field: number) => fields.has(field),
    integer,
    /** A count, an offset or a size. */
    size(field: number, name: string, fallback?: number): number {
      const value = integer(field, name, fallback);
      if (value >= 0) return value;
      throw wrong(name);
    },
    flag: (field: number, fallback: boolean): boolean => {
      const value = fields.get(field);
      return typeof value === "boolean" ? value : fallback;
    },
    text(field: number, name: string): string {
      const value = fields.get(field);
      if (value instanceof Uint8Array) return new TextDecoder().decode(value);
      throw wrong(name);
    },
    texts(field: number, name: string): string[] {
      const value = fields.get(field);
      if (Array.isArray(value) && value.every((text) => text instanceof Uint8Array)) {
        return value.map((text) => new TextDecoder().decode(text));
      }
      throw wrong(name);
    },
    struct(field: number, name: string): ThriftStruct {
      const value = fields.get(field);
      if (isStruct(value)) return value;
      throw wrong(name);
    },
    structs(field: number, name: string): readonly ThriftStruct[] {
      const value = fields.get(field) ?? [];
      if (Array.isArray(value) && value.every(isStruct)) return value;
      throw wrong(name);
    },
  };
}

const isStruct = (value: unknown): value is ThriftStruct =>
  typeof value === "object" && value !== null && "fields" in value;
