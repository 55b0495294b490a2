/**
 * @file A pickle machine that builds plain values and runs nothing: every global that a file names must be in the
 * caller's list, and calling one calls the caller's own function.
 * @see https://docs.python.org/3/library/pickle.html and CPython's Lib/pickletools.py, which lists the opcodes
 */

import { OcelliError, nearestNames } from "../errors.ts";
import { Budget } from "./budget.ts";
import { decodeUtf8, formatError, guard, readUint64, viewOf } from "./bytes.ts";

/** What a pickle may hold: plain values, lists (tuples too), dictionaries as maps, and what the caller's functions make. */
export type PickleValue = unknown;

/** A global of the caller's list. */
export interface PickleGlobal {
  /** `module.name`, as the file has it. */
  readonly name: string;
  /** What stands for calling it; without it, a call is an error. */
  readonly call?: (args: readonly PickleValue[]) => PickleValue;
}

/** What a pickle may refer to. */
export interface PickleOptions {
  /** By exact `module.name`; any other global is an error that names it. */
  readonly globals: Readonly<Record<string, PickleGlobal["call"] | null>>;
  /** What a persistent id stands for; without it, one is an error. */
  readonly persistent?: (id: PickleValue) => PickleValue;
}

/** Longer integers than this, in bytes, only occur in damaged files. */
const MAX_LONG = 64;
/** Values that are made, and of these the ones that take memory of their own; a tensor needs about eight. */
const MAX_VALUES = 1 << 22;
const MAX_OBJECTS = 1 << 19;
const MARK = Symbol("mark");

const isGlobal = (value: unknown): value is PickleGlobal => value instanceof Named;

class Named implements PickleGlobal {
  readonly name: string;
  readonly call: PickleGlobal["call"];

  constructor(name: string, call: PickleGlobal["call"] | null) {
    this.name = name;
    this.call = call ?? undefined;
  }
}

/** The name of a global; undefined for any other value. */
export const globalName = (value: PickleValue): string | undefined =>
  isGlobal(value) ? value.name : undefined;

/** One pickle of bytes that begin at `start`: its value, and where it ends. */
export function readPickle(
  bytes: Uint8Array,
  options: PickleOptions,
  what: string,
  start = 0,
): { readonly value: PickleValue; readonly end: number } {
  return guard(what, () => new Machine(bytes, options, what, start).run());
}

class Machine {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly options: PickleOptions;
  private readonly what: string;
  private at: number;
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly values: Budget;
  private readonly objects: Budget;

  constructor(bytes: Uint8Array, options: PickleOptions, what: string, start: number) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.options = options;
    this.what = what;
    this.at = start;
    this.values = new Budget(what, { items: MAX_VALUES });
    this.objects = new Budget(what, { items: MAX_OBJECTS });
  }

  run(): { value: PickleValue; end: number } {
    for (;;) {
      const code = this.byte();
      if (code === 0x2e) return { value: this.pop(), end: this.at };
      const step = OPCODES[code];
      if (!step) {
        const shown = `0x${code.toString(16).padStart(2, "0")}`;
        throw new OcelliError(
          "unsupported",
          `${this.what}: the pickle opcode ${shown} is not known.`,
          {
            given: shown,
            hint: "Ocelli reads the binary opcodes that tensors and plain containers need.",
          },
        );
      }
      step(this);
    }
  }

  fail(problem: string): never {
    throw formatError(`${this.what}: ${problem}.`);
  }

  byte(): number {
    return this.view.getUint8(this.at++);
  }

  uint16(): number {
    this.at += 2;
    return this.view.getUint16(this.at - 2, true);
  }

  uint32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  int32(): number {
    this.at += 4;
    return this.view.getInt32(this.at - 4, true);
  }

  uint64(): number {
    this.at += 8;
    return readUint64(this.view, this.at - 8, this.what);
  }

  float64(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8);
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) this.fail("it is truncated");
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  text(length: number): string {
    return decodeUtf8(this.take(length), this.what);
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail("it is truncated");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** A little-endian integer in two's complement; a number where it fits. */
  long(length: number): number | bigint {
    if (length > MAX_LONG) this.fail(`an integer of ${length} bytes is impossible`);
    let value = 0n;
    this.take(length).forEach((byte, i) => (value |= BigInt(byte) << BigInt(8 * i)));
    const signed = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  push(value: unknown): void {
    this.values.takeItems(1);
    this.stack.push(value);
  }

  /** Pushes what was made for this: a container, bytes, an integer beyond 2^53. */
  pushNew(value: unknown): void {
    this.objects.takeItems(1);
    this.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0 || this.stack.at(-1) === MARK) this.fail("its stack runs empty");
    return this.stack.pop();
  }

  top(): unknown {
    if (this.stack.length === 0 || this.stack.at(-1) === MARK) this.fail("its stack runs empty");
    return this.stack.at(-1);
  }

  /** What lies above the last mark, which goes too. */
  popMark(): unknown[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) this.fail("it has no mark");
    const values = this.stack.splice(mark).slice(1);
    return values;
  }

  mark(): void {
    this.push(MARK);
  }

  tuple(length: number): void {
    const values = Array.from({ length }, () => this.pop());
    this.pushNew(values.reverse());
  }

  drop(): void {
    this.stack.pop();
  }

  list(): unknown[] {
    const list = this.top();
    if (!Array.isArray(list)) this.fail("it appends to what is no list");
    return list as unknown[];
  }

  setItems(pairs: readonly unknown[]): void {
    const map = this.top();
    if (!(map instanceof Map)) this.fail("it sets items of what is no dictionary");
    if (pairs.length % 2 !== 0) this.fail("a key of a dictionary has no value");
    for (let i = 0; i < pairs.length; i += 2) {
      const key = pairs[i];
      if (typeof key !== "string" && typeof key !== "number") {
        this.fail("a key of a dictionary is neither text nor number");
      }
      (map as Map<unknown, unknown>).set(key, pairs[i + 1]);
    }
  }

  get(index: number): void {
    if (!this.memo.has(index)) this.fail(`its memo has no entry ${index}`);
    this.push(this.memo.get(index));
  }

  put(index: number): void {
    this.values.takeItems(1);
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.memo.size);
  }

  global(name: string): void {
    const { globals } = this.options;
    if (!Object.hasOwn(globals, name)) {
      const valid = nearestNames(name, Object.keys(globals));
      throw new OcelliError(
        "unsupported",
        `${this.what} refers to the Python object ${name}, which is not loaded.`,
        { given: name, valid, hint: "Only tensors in plain containers are; save the state_dict." },
      );
    }
    this.pushNew(new Named(name, globals[name]));
  }

  reduce(): void {
    const args = this.pop();
    const called = this.pop();
    if (!isGlobal(called) || !called.call || !Array.isArray(args)) {
      this.fail(`it calls ${isGlobal(called) ? called.name : "what is no function"}`);
    }
    this.pushNew((called as Required<PickleGlobal>).call(args as unknown[]));
  }

  /** Attributes of a dictionary (`_metadata` of a state_dict) say nothing about its arrays. */
  build(): void {
    this.pop();
    if (!(this.top() instanceof Map)) this.fail("it sets the state of what is no dictionary");
  }

  persistent(): void {
    const { persistent } = this.options;
    if (!persistent) this.fail("it has a persistent id");
    this.pushNew(persistent!(this.pop()));
  }

  asText(): string {
    const value = this.pop();
    if (typeof value !== "string") this.fail("a global's name is no text");
    return value as string;
  }
}

/** The binary opcodes of protocols 2 to 5 that plain containers and tensors need. */
const OPCODES: Readonly<Record<number, (machine: Machine) => void>> = {
  0x80: (m) => m.byte(), // PROTO
  0x95: (m) => m.uint64(), // FRAME
  0x28: (m) => m.mark(), // MARK
  0x30: (m) => m.drop(), // POP
  0x31: (m) => m.popMark(), // POP_MARK
  0x32: (m) => m.push(m.top()), // DUP
  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x4a: (m) => m.push(m.int32()), // BININT
  0x4b: (m) => m.push(m.byte()), // BININT1
  0x4d: (m) => m.push(m.uint16()), // BININT2
  0x8a: (m) => m.pushNew(m.long(m.byte())), // LONG1
  0x8b: (m) => m.pushNew(m.long(m.uint32())), // LONG4
  0x47: (m) => m.push(m.float64()), // BINFLOAT
  0x54: (m) => m.push(m.text(m.uint32())), // BINSTRING
  0x55: (m) => m.push(m.text(m.byte())), // SHORT_BINSTRING
  0x58: (m) => m.push(m.text(m.uint32())), // BINUNICODE
  0x8c: (m) => m.push(m.text(m.byte())), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.text(m.uint64())), // BINUNICODE8
  0x42: (m) => m.pushNew(m.take(m.uint32())), // BINBYTES
  0x43: (m) => m.pushNew(m.take(m.byte())), // SHORT_BINBYTES
  0x5d: (m) => m.pushNew([]), // EMPTY_LIST
  0x61: (m) => void appendTo(m, [m.pop()]), // APPEND
  0x65: (m) => void appendTo(m, m.popMark()), // APPENDS
  0x6c: (m) => m.pushNew(m.popMark()), // LIST
  0x29: (m) => m.pushNew([]), // EMPTY_TUPLE
  0x74: (m) => m.pushNew(m.popMark()), // TUPLE
  0x85: (m) => m.tuple(1), // TUPLE1
  0x86: (m) => m.tuple(2), // TUPLE2
  0x87: (m) => m.tuple(3), // TUPLE3
  0x7d: (m) => m.pushNew(new Map()), // EMPTY_DICT
  0x73: (m) => m.setItems([m.pop(), m.pop()].reverse()), // SETITEM
  0x75: (m) => m.setItems(m.popMark()), // SETITEMS
  0x68: (m) => m.get(m.byte()), // BINGET
  0x6a: (m) => m.get(m.uint32()), // LONG_BINGET
  0x71: (m) => m.put(m.byte()), // BINPUT
  0x72: (m) => m.put(m.uint32()), // LONG_BINPUT
  0x94: (m) => m.memoize(), // MEMOIZE
  0x63: (m) => m.global(`${m.line()}.${m.line()}`), // GLOBAL
  0x93: (m) => m.global([m.asText(), m.asText()].reverse().join(".")), // STACK_GLOBAL
  0x52: (m) => m.reduce(), // REDUCE
  0x62: (m) => m.build(), // BUILD
  0x51: (m) => m.persistent(), // BINPERSID
};

function appendTo(machine: Machine, values: readonly unknown[]): void {
  const list = machine.list();
  for (const value of values) list.push(value);
}
