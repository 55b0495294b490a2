/** @file Resizing RGB bytes with the kernels in WebAssembly. */

import { Arena, usable } from "./arena.ts";
import { LOW_BITS } from "./kernels.ts";

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

const LOW_MASK = (1 << LOW_BITS) - 1;

/** Addresses of taps: starts, counts, weights, and the span. */
const putTaps = (arena: Arena, { start, count, weights, span }: AnyTaps) =>
  [arena.put(start), arena.put(count), arena.put(weights), span] as const;

/** Pillow's taps as its kernels take them: starts, and pairs of weights one output after the other with their ends. */
function putPairs(arena: Arena, { start, count, weights, span }: AnyTaps) {
  const ends = new Int32Array(start.length);
  const pairs = new Int16Array(start.length * (4 * Math.ceil(span / 2)));
  let at = 0;
  for (let i = 0; i < start.length; i++) {
    for (let t = 0; t < count[i]; t += 2, at += 4) {
      const first = weights[i * span + t];
      const second = t + 1 < count[i] ? weights[i * span + t + 1] : 0;
      pairs[at] = first >> LOW_BITS;
      pairs[at + 1] = second >> LOW_BITS;
      pairs[at + 2] = first & LOW_MASK;
      pairs[at + 3] = second & LOW_MASK;
    }
    ends[i] = 2 * at;
  }
  return [arena.put(start), arena.put(ends), arena.put(pairs.subarray(0, at))] as const;
}

/** Rows that the kernels work on at a time. */
const GROUP = 4;
const groups = (rows: number): number => Math.ceil(rows / GROUP) * GROUP + 1;

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
  const middle = downFirst ? rows * width : height * columns;
  const kernel = usable(data.length + 3 * middle + 3 * rows * columns);
  if (!kernel) return undefined;
  const arena = new Arena(kernel);
  let image = { at: arena.room(groups(height) * 3 * width), height, width, stride: 3 * width };
  arena.write(image.at, data);
  const goAcross = (taps: AnyTaps): void => {
    const addresses = putPairs(arena, taps);
    const { at, height, stride } = image;
    const outStride = 3 * columns + 1; // a pixel is written with a byte after it
    const out = arena.room(groups(height) * outStride);
    kernel.pillowRows(at, stride, height, ...addresses, columns, out, outStride);
    image = { at: out, height, width: columns, stride: outStride };
  };
  const goDown = (taps: AnyTaps): void => {
    const addresses = putPairs(arena, taps);
    const { at, width, stride } = image;
    const out = arena.room(groups(rows) * 3 * width);
    kernel.pillowColumns(at, stride, 3 * width, ...addresses, rows, out);
    image = { at: out, height: rows, width, stride: 3 * width };
  };
  if (down && downFirst) goDown(down);
  if (across) goAcross(across);
  if (down && !downFirst) goDown(down);
  return arena.take(image.at, rows, 3 * columns, image.stride);
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
  return arena.take(out, rows, 3 * columns);
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
