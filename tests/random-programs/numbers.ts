/** @file The numbers of inputs: small enough that errors stay small, and where asked for the special ones. */

import { type DType, type Shape, isFloat, sizeOf } from "../../src/graph/index.ts";
import type { Random } from "../../src/random.ts";

/** How an input differs from ordinary ones. */
export interface Drawing {
  /** Whole numbers in [low, high), for indices and shifts. */
  readonly whole?: readonly [low: number, high: number];
  /** Fair coins, as numbers 0 and 1 in any dtype. */
  readonly raw?: boolean;
}

const SPECIAL: Partial<Record<DType, readonly number[]>> = {
  float32: [
    Infinity,
    -Infinity,
    NaN,
    0,
    -0,
    1,
    -1,
    2 ** -140,
    -(2 ** -127),
    3.4e38,
    -3.4e38,
    1e-30,
  ],
  float16: [Infinity, -Infinity, NaN, 0, -0, 1, -1, 2 ** -20, -(2 ** -24), 65504, -65504, 2 ** -14],
  bfloat16: [Infinity, -Infinity, NaN, 0, -0, 1, -1, 2 ** -130, 3.38e38, -3.38e38, 1e-30, 256],
  int32: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1, 65536, 31, 32],
  uint32: [0, 1, 2 ** 32 - 1, 2 ** 31, 2 ** 31 - 1, 65536, 31, 32],
  uint8: [0, 1, 255, 128, 127, 7, 8],
};

/** Numbers for one input. */
export function drawNumbers(
  random: Random,
  shape: Shape,
  dtype: DType,
  special: boolean,
  { whole, raw }: Drawing,
): number[] {
  const tied = random.uniform() < 0.4; // few different numbers, so that there are ties and exact sums
  const often = special && random.uniform() < 0.6 ? 0.25 : 0;
  const one = (): number => {
    if (dtype === "bool") return random.integer(0, 2);
    if (whole) return random.integer(whole[0], whole[1]);
    if (raw) return random.bits();
    const list = SPECIAL[dtype];
    if (list && random.uniform() < often) return list[random.integer(0, list.length)];
    if (!isFloat(dtype)) return random.integer(dtype === "int32" ? -9 : 0, 10);
    return tied ? random.integer(-8, 9) / 4 : Math.fround(random.uniform() * 4 - 2);
  };
  return Array.from({ length: sizeOf(shape) }, one);
}
