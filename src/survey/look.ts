/**
 * @file How a picture looks, in a few bytes: a difference hash of 64 bits, and its small picture that checks what the hash finds.
 *
 * The hash is the dHash: whether each pixel of a 9 × 8 grey picture is darker than its right neighbour.
 *
 * @see https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
 */

import type { HostArray } from "../graph/dtype.ts";

const ROWS = 8;
const COLUMNS = 9;
const GREYS = ROWS * COLUMNS;
/** Colours are kept by parts of a picture: thirds of each row, as stripes are narrow. */
const THIRDS = 3;
const PARTS = ROWS * THIRDS;

/** Bytes of a small picture: its greys, then the mean red, green and blue of each part. */
export const LOOK = GREYS + 3 * PARTS;

/**
 * What makes the picture that a look is of, uint8 [8, 9, 3]: averages of areas, transparent parts on white. The size between
 * keeps a JPEG that is decoded smaller fine enough for the columns.
 */
export const LOOK_PREPROCESSING = `fast_decode|resize((${4 * ROWS},${4 * COLUMNS}))|resize((${ROWS},${COLUMNS}))`;

/** How a picture looks. */
export interface Look {
  /** Two words of 32 bits. */
  readonly hash: Uint32Array;
  /** {@link LOOK} bytes. */
  readonly small: Uint8Array;
}

/** The look of what {@link LOOK_PREPROCESSING} makes of a picture. */
export function lookOf({ dtype, data }: HostArray): Look {
  const white = dtype === "uint8" ? 1 : 255; // of fractions, 1 is white
  const small = new Uint8Array(LOOK);
  const greys = new Float64Array(GREYS);
  const sums = new Float64Array(3 * PARTS);
  const counts = new Float64Array(PARTS);
  for (let at = 0; at < GREYS; at++) {
    const part = partOf(at);
    counts[part]++;
    const [red, green, blue] = [0, 1, 2].map((channel) => {
      const value = white * Number(data[3 * at + channel]);
      sums[3 * part + channel] += value;
      return value;
    });
    greys[at] = 0.299 * red + 0.587 * green + 0.114 * blue;
    small[at] = Math.round(greys[at]);
  }
  sums.forEach((sum, i) => (small[GREYS + i] = Math.round(sum / counts[Math.floor(i / 3)])));
  const hash = new Uint32Array(2);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column + 1 < COLUMNS; column++) {
      const at = row * COLUMNS + column;
      const bit = row * (COLUMNS - 1) + column;
      if (greys[at] < greys[at + 1]) hash[bit >>> 5] |= 1 << (bit & 31);
    }
  }
  return { hash, small };
}

/** The part of a picture that one of its pixels lies in. */
const partOf = (at: number): number =>
  THIRDS * Math.floor(at / COLUMNS) + Math.floor(((at % COLUMNS) * THIRDS) / COLUMNS);

/** How many bits of a word are set. */
function bitsOf(word: number): number {
  let rest = word - ((word >>> 1) & 0x55555555);
  rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** In how many of 64 bits two hashes differ; each is two words of `hashes`. */
export const hashDistance = (hashes: Uint32Array, a: number, b: number): number =>
  bitsOf(hashes[2 * a] ^ hashes[2 * b]) + bitsOf(hashes[2 * a + 1] ^ hashes[2 * b + 1]);

/** The least correlation of the greys of two pictures that look the same. */
const CORRELATION = 0.97;
/** The most that colours differ by: in the mean of all parts, and in a part. */
const COLOUR = { mean: 24, part: 40 };

/** Whether two small pictures look the same but for brightness and contrast; they are rows of {@link LOOK} bytes. */
export function looksSame(looks: Uint8Array, a: number, b: number): boolean {
  const [p, q] = [a * LOOK, b * LOOK];
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    for (let at = GREYS + channel; at < LOOK; at += 3) {
      const difference = looks[p + at] - looks[q + at];
      if (Math.abs(difference) > COLOUR.part) return false;
      sum += difference;
    }
    if (Math.abs(sum) > COLOUR.mean * PARTS) return false;
  }
  let [x, y, xx, yy, xy] = [0, 0, 0, 0, 0];
  for (let at = 0; at < GREYS; at++) {
    const [v, w] = [looks[p + at], looks[q + at]];
    x += v;
    y += w;
    xx += v * v;
    yy += w * w;
    xy += v * w;
  }
  const covariance = GREYS * xy - x * y;
  const scale = Math.sqrt((GREYS * xx - x * x) * (GREYS * yy - y * y));
  return scale > 0 && covariance >= CORRELATION * scale;
}
