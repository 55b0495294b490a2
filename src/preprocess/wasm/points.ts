/** @file Mirroring and scaling of values with the kernels in WebAssembly. */

import { Arena, usable } from "./arena.ts";
import { MIRROR_STEP, SCALE_STEP } from "./point-kernels.ts";

/** RGB bytes of [height, width, 3] mirrored left to right. Undefined where the kernels cannot. */
export function mirrorInWasm(
  data: Uint8Array,
  height: number,
  width: number,
): Uint8Array | undefined {
  const kernel = width < MIRROR_STEP ? undefined : usable(2 * data.length);
  if (!kernel) return undefined;
  const arena = new Arena(kernel);
  const source = arena.put(data);
  const out = arena.room(data.length);
  kernel.mirrorRows(source, width, height, out);
  return arena.take(out, height, 3 * width);
}

/** x ↦ (x - shift) / divisor · scale + offset, within bounds; shift and divisor are for one channel or for each. */
interface Scale {
  readonly shift: readonly number[];
  readonly divisor: readonly number[];
  readonly scale: number;
  readonly offset: number;
  readonly bounds?: readonly [least: number, most: number];
}

/** Bytes of up to four channels as scaled floats, each step rounded to one. Undefined where the kernels cannot. */
export function scaleInWasm(
  data: Uint8Array,
  channels: number,
  { shift, divisor, scale, offset, bounds = [-Infinity, Infinity] }: Scale,
): Float32Array | undefined {
  const kernel = SCALE_STEP % channels === 0 ? usable(5 * data.length) : undefined;
  if (!kernel) return undefined;
  const spread = (list: readonly number[]): number[] =>
    Array.from({ length: SCALE_STEP }, (_, i) => list[list.length === 1 ? 0 : i % channels]);
  const same = [scale, offset, ...bounds].flatMap((value) => [value, value, value, value]);
  const arena = new Arena(kernel);
  const source = arena.put(data);
  const constants = arena.put(Float32Array.of(...spread(shift), ...spread(divisor), ...same));
  const out = arena.room(4 * (data.length + SCALE_STEP));
  kernel.scaleBytes(source, data.length, constants, out);
  return new Float32Array(arena.take(out, 1, 4 * data.length).buffer);
}
