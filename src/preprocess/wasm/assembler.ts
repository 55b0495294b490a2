/**
 * @file A small assembler: functions as nested expressions to the bytes of a WebAssembly module with one memory.
 *
 * @see https://webassembly.github.io/spec/core/binary/index.html
 */

/** Instructions as bytes. */
export type Code = readonly number[];

/** An unsigned number in LEB128. */
function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...unsigned(value >>> 7)] : [low];
}

/** A signed number in LEB128. */
function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

const op =
  (...code: number[]) =>
  (...operands: Code[]): Code => [...operands.flat(), ...code];
const simd = (code: number, ...immediates: number[]) => op(0xfd, ...unsigned(code), ...immediates);
/** An access without a promise of alignment. */
const access = (code: number) => simd(code, 0, 0);

/** Whole numbers of 32 bits. */
export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  load: op(0x28, 0, 0),
  add: op(0x6a),
  mul: op(0x6c),
  atLeast: op(0x4e),
};

/** Vectors of 128 bits: lanes of bytes, of 32-bit numbers, of floats and of doubles. */
export const v128 = {
  load: access(0),
  /** 4 bytes to the lowest lane, zeros above. */
  load4: access(92),
  /** 8 bytes to the lowest lanes, zeros above. */
  load8: access(93),
  /** 4 bytes to every lane. */
  splat4: access(9),
  store: access(11),
  /** The lowest 4 bytes. */
  store4: simd(90, 0, 0, 0),
  /** The lowest 8 bytes. */
  store8: simd(91, 0, 0, 0),
  splatInts: simd(17),
  addInts: simd(174),
  mulInts: simd(181),
  /** Products of 16-bit numbers, those of neighbours added. */
  dotShorts: simd(186),
  /** Shifts left, and right, which keeps the sign. */
  shiftIntsLeft: simd(171),
  shiftInts: simd(172),
  /** Bytes of two vectors by their places, those of the second from 16 on. */
  shuffle: (...places: number[]) => simd(13, ...places),
  /** The 8 lower or upper bytes as 16-bit numbers. */
  widenLowBytes: simd(137),
  widenHighBytes: simd(138),
  /** The same of signed bytes. */
  widenLowSigned: simd(135),
  widenHighSigned: simd(136),
  /** The 4 lower or upper 16-bit numbers as 32-bit ones. */
  widenLow: simd(169),
  widenHigh: simd(170),
  /** Two vectors of 32-bit numbers to one of 16-bit ones, and two of these to one of bytes; what is beyond is clipped. */
  narrow: simd(133),
  narrowToBytes: simd(102),
  addDoubles: simd(240),
  mulDoubles: simd(242),
  /** The two lower 32-bit numbers, or floats, as doubles; and back to floats. */
  intsToDoubles: simd(254),
  floatsToDoubles: simd(95),
  doublesToFloats: simd(94),
  /** The upper half in the lower one's place. */
  upperHalf: (x: Code): Code =>
    v128.shuffle(8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)(x, x),
  /** The lower halves of two. */
  joinHalves: simd(13, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
  intsToFloats: simd(250),
  addFloats: simd(228),
  subFloats: simd(229),
  mulFloats: simd(230),
  divFloats: simd(231),
  /** The smaller and the larger of two numbers; neither may be NaN, which makes it one instruction. */
  minFloats: simd(234),
  maxFloats: simd(235),
  /** Floats to whole numbers, fractions cut off. */
  floatsToInts: simd(248),
};

/** A local variable of a function. */
export interface Local {
  readonly index: number;
  readonly get: Code;
  set(value: Code): Code;
  /** Adds a number of 32 bits. */
  increase(by: Code): Code;
}

function local(index: number): Local {
  const get = [0x20, ...unsigned(index)];
  const set = (value: Code): Code => [...value, 0x21, ...unsigned(index)];
  return { index, get, set, increase: (by) => set(i32.add(get, by)) };
}

/** Code that runs while `at` is below `end`; the body must raise it. */
export const loopUntil = (at: Local, end: Code, ...body: Code[]): Code => [
  ...[0x02, 0x40, 0x03, 0x40], // block, and a loop in it
  ...i32.atLeast(at.get, end),
  ...[0x0d, 1], // leave the block
  ...body.flat(),
  ...[0x0c, 0, 0x0b, 0x0b], // go on with the loop
];

/** A function of 32-bit numbers that returns nothing. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  readonly ints: number;
  readonly vectors: number;
  readonly body: Code;
}

/** A function from its body, which gets its parameters, and as many further variables of each kind as were asked for. */
export function wasmFunction(
  name: string,
  counts: { readonly parameters: number; readonly ints: number; readonly vectors: number },
  body: (parameters: Local[], ints: Local[], vectors: Local[]) => Code[],
): WasmFunction {
  const { parameters, ints, vectors } = counts;
  const locals = Array.from({ length: parameters + ints + vectors }, (_, i) => local(i));
  const code = body(
    locals.slice(0, parameters),
    locals.slice(parameters, parameters + ints),
    locals.slice(parameters + ints),
  );
  return { name, ...counts, body: code.flat() };
}

const I32 = 0x7f;
const V128 = 0x7b;

const list = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes];
const text = (name: string): number[] => sized(Array.from(name, (c) => c.charCodeAt(0)));

/** A module of functions, exported by name together with `memory`. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const section = (id: number, items: readonly Code[]): number[] => [id, ...sized(list(items))];
  const types = functions.map(({ parameters }) => [
    0x60,
    ...list(Array.from({ length: parameters }, () => [I32])),
    0,
  ]);
  const bodies = functions.map(({ ints, vectors, body }) =>
    sized([
      ...list([
        [...unsigned(ints), I32],
        [...unsigned(vectors), V128],
      ]),
      ...body,
      0x0b,
    ]),
  );
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    ...section(5, [[0, 1]]), // one memory of at least a page
    ...section(7, [
      [...text("memory"), 2, 0],
      ...functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]),
    ]),
    ...section(10, bodies),
  ]);
}
