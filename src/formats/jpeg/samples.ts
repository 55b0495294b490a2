/**
 * @file From coefficients to samples: libjpeg's accurate inverse cosine transform in whole numbers, so that every decoder
 * that is built on libjpeg gives the same.
 *
 * @see C. Loeffler, A. Ligtenberg, G. Moschytz, Practical fast 1-D DCT algorithms with 11 multiplications, ICASSP 1989
 */

import type { Component } from "./frame.ts";

/** Bits of the constants' fractions, and of what lies between the two passes. */
const CONSTANT_BITS = 13;
const BETWEEN_BITS = 2;

const fixed = (value: number): number => Math.round(value * (1 << CONSTANT_BITS));
const F0298 = fixed(0.298631336);
const F0390 = fixed(0.39018064);
const F0541 = fixed(0.5411961);
const F0765 = fixed(0.765366865);
const F0899 = fixed(0.899976223);
const F1175 = fixed(1.175875602);
const F1501 = fixed(1.50132111);
const F1847 = fixed(1.847759065);
const F1961 = fixed(1.96157056);
const F2053 = fixed(2.053119869);
const F2562 = fixed(2.562915447);
const F3072 = fixed(3.072711026);

/** One pass over a line of 8 values, `step` apart from `at`: sums of products, before they are scaled down. */
function transformLine(values: Int32Array, at: number, step: number, out: Int32Array): void {
  const [i0, i1, i2, i3] = [
    values[at],
    values[at + step],
    values[at + 2 * step],
    values[at + 3 * step],
  ];
  const i4 = values[at + 4 * step];
  const i5 = values[at + 5 * step];
  const i6 = values[at + 6 * step];
  const i7 = values[at + 7 * step];
  // even places
  const shared = (i2 + i6) * F0541;
  const even2 = shared - i6 * F1847;
  const even3 = shared + i2 * F0765;
  const even0 = (i0 + i4) * (1 << CONSTANT_BITS);
  const even1 = (i0 - i4) * (1 << CONSTANT_BITS);
  const a0 = even0 + even3;
  const a3 = even0 - even3;
  const a1 = even1 + even2;
  const a2 = even1 - even2;
  // odd places
  const all = (i7 + i3 + i5 + i1) * F1175;
  const z1 = -(i7 + i1) * F0899;
  const z2 = -(i5 + i3) * F2562;
  const z3 = all - (i7 + i3) * F1961;
  const z4 = all - (i5 + i1) * F0390;
  const b0 = i7 * F0298 + z1 + z3;
  const b1 = i5 * F2053 + z2 + z4;
  const b2 = i3 * F3072 + z2 + z3;
  const b3 = i1 * F1501 + z1 + z4;
  out[0] = a0 + b3;
  out[7] = a0 - b3;
  out[1] = a1 + b2;
  out[6] = a1 - b2;
  out[2] = a2 + b1;
  out[5] = a2 - b1;
  out[3] = a3 + b0;
  out[4] = a3 - b0;
}

/** The samples of a component's blocks: rows of `stride` blocks, 8 samples each. */
export function samplesOf(
  { coefficients, stride, columns, rows }: Component,
  quantisation: Uint16Array,
): Plane {
  const width = columns * 8;
  const samples = new Uint8ClampedArray(width * rows * 8);
  const block = new Int32Array(64);
  const line = new Int32Array(8);
  const between = CONSTANT_BITS - BETWEEN_BITS;
  const last = CONSTANT_BITS + BETWEEN_BITS + 3;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * stride + column) * 64;
      const to = row * 8 * width + column * 8;
      let others = 0;
      for (let i = 1; i < 64; i++) others |= coefficients[from + i];
      if (others === 0) {
        // what the two passes make of the mean alone
        const mean = coefficients[from] * quantisation[0] * (1 << BETWEEN_BITS);
        const value = ((mean + (1 << (BETWEEN_BITS + 2))) >> (BETWEEN_BITS + 3)) + 128;
        for (let y = 0; y < 8; y++) samples.fill(value, to + y * width, to + y * width + 8);
        continue;
      }
      for (let i = 0; i < 64; i++) block[i] = coefficients[from + i] * quantisation[i];
      for (let x = 0; x < 8; x++) {
        transformLine(block, x, 8, line);
        for (let y = 0; y < 8; y++) block[y * 8 + x] = (line[y] + (1 << (between - 1))) >> between;
      }
      for (let y = 0; y < 8; y++) {
        transformLine(block, y * 8, 1, line);
        const begin = to + y * width;
        for (let x = 0; x < 8; x++)
          samples[begin + x] = ((line[x] + (1 << (last - 1))) >> last) + 128;
      }
    }
  }
  return { samples, stride: width };
}

/** Samples in rows. */
export interface Plane {
  readonly samples: Uint8ClampedArray;
  /** From the begin of a row to that of the next. */
  readonly stride: number;
}
