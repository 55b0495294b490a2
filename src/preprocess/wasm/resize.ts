/** @file Resizing RGB bytes with the kernels in WebAssembly. */

import { type Kernels, kernels } from "./kernels.ts";

/** Taps along one axis; weights are floats, or Pillow's fixed-point numbers. */
interface AnyTaps {
  readonly start: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float32Array | Int32Array;
  readonly span: number;
}

/** RGB bytes of [height, width, 3]. */
export interface RgbBytes {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** The most memory that the kernels take; they never give it back. Larger images go through the loops. */
const MOST_BYTES = 64 << 20;
/** How far kernels read and write beyond their arrays. */
const BEYOND = 16;

/** Places in the kernels' memory, one after the other. */
class Arena {
  #end = 0;
  readonly #memory: WebAssembly.Memory;

  constructor({ memory }: Kernels) {
    this.#memory = memory;
  }

  /** Room for some bytes; its address. */
  room(bytes: number): number {
    const at = this.#end;
    this.#end = (at + bytes + BEYOND + 15) & ~15;
    const missing = this.#end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
    return at;
  }

  /** Copies an array in; its address. */
  put({ buffer, byteOffset, byteLength }: Uint8Array | Int32Array | Float32Array): number {
    const at = this.room(byteLength);
    new Uint8Array(this.#memory.buffer, at).set(new Uint8Array(buffer, byteOffset, byteLength));
    return at;
  }

  /** Copies bytes out. */
  take(at: number, bytes: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, bytes).slice();
  }
}

/** Whether the kernels are there and take arrays of some bytes. */
function usable(bytes: number): Kernels | undefined {
  return bytes <= MOST_BYTES ? kernels() : undefined;
}

/** Addresses of taps: starts, counts, weights, and the span. */
const putTaps = (arena: Arena, { start, count, weights, span }: AnyTaps) =>
  [arena.put(start), arena.put(count), arena.put(weights), span] as const;

/**
 * Pillow's two passes over RGB bytes; a pass without taps is left out. Undefined where the kernels cannot.
 *
 * @param downFirst whether the height changes before the width
 */
export function pillowInWasm(
  { data, height, width }: RgbBytes,
  across: AnyTaps | undefined,
  down: AnyTaps | undefined,
  downFirst: boolean,
): Uint8Array | undefined {
  const columns = across ? across.start.length : width;
  const rows = down ? down.start.length : height;
  const between = 3 * (downFirst ? rows * width : height * columns);
  const kernel = usable(data.length + between + 3 * rows * columns);
  if (!kernel) return undefined;
  const arena = new Arena(kernel);
  let at = arena.put(data);
  let shape = { height, width };
  const goAcross = (taps: AnyTaps): void => {
    const addresses = putTaps(arena, taps);
    const out = arena.room(3 * shape.height * columns);
    kernel.pillowRows(at, 3 * shape.width, shape.height, ...addresses, columns, out);
    at = out;
    shape = { height: shape.height, width: columns };
  };
  const goDown = (taps: AnyTaps): void => {
    const addresses = putTaps(arena, taps);
    const out = arena.room(3 * rows * shape.width);
    kernel.pillowColumns(at, 3 * shape.width, ...addresses, rows, out);
    at = out;
    shape = { height: rows, width: shape.width };
  };
  if (down && downFirst) goDown(down);
  if (across) goAcross(across);
  if (down && !downFirst) goDown(down);
  return arena.take(at, 3 * rows * columns);
}

/** TensorFlow's two passes over RGB bytes, columns first. Undefined where the kernels cannot. */
export function weighInWasm(
  { data, height, width }: RgbBytes,
  down: AnyTaps,
  across: AnyTaps,
): Uint8Array | undefined {
  const columns = across.start.length;
  const rows = down.start.length;
  const { used, taps } = usedRows(height, down);
  const kernel = usable(used.length * (3 * width + 12 * columns) + 3 * rows * columns);
  if (!kernel) return undefined;
  const arena = new Arena(kernel);
  const stride = 3 * width;
  const source = arena.room(stride * used.length);
  const between = arena.room(12 * used.length * columns);
  const out = arena.room(3 * rows * columns);
  const acrossAt = putTaps(arena, across);
  const downAt = putTaps(arena, taps);
  const memory = new Uint8Array(kernel.memory.buffer);
  if (used.length === height) memory.set(data, source);
  else {
    used.forEach((row, i) =>
      memory.set(data.subarray(row * stride, (row + 1) * stride), source + i * stride),
    );
  }
  kernel.floatRows(source, stride, used.length, ...acrossAt, columns, between);
  kernel.floatColumns(between, 3 * columns, ...downAt, rows, out);
  return arena.take(out, 3 * rows * columns);
}

/** The source rows that any output row needs, and the taps among these. */
function usedRows(height: number, taps: AnyTaps): { used: number[]; taps: AnyTaps } {
  const place = new Int32Array(height).fill(-1);
  taps.start.forEach((start, i) => place.fill(0, start, start + taps.count[i]));
  const used: number[] = [];
  place.forEach((needed, row) => {
    if (needed === 0) place[row] = used.push(row) - 1;
  });
  return { used, taps: { ...taps, start: taps.start.map((start) => place[start]) } };
}
