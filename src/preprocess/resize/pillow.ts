/**
 * @file Pillow's image resizing of 8-bit channels, bit for bit: weights as 22-bit fixed-point numbers, along one axis
 * and then along the other, rounded to 8 bits after each. Its filters always widen when the image gets smaller.
 *
 * @see https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters
 */

import type { Box } from "../image.ts";
import { pillowInWasm } from "../wasm/resize.ts";
import type { Interval, Window } from "./taps.ts";

/** A filter: its value at a distance from the centre, and where it ends. */
interface Filter {
  readonly support: number;
  at(x: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const FILTERS = {
  pil_box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  pil_bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  pil_hamming: {
    support: 1,
    at: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x))),
  },
  pil_bicubic: {
    support: 2,
    at(signed) {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    },
  },
  pil_lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const satisfies Readonly<Record<string, Filter>>;

/** Pillow's methods, as the preprocessing language calls them. */
export type PillowMethod = keyof typeof FILTERS;
export const PILLOW_METHODS = Object.keys(FILTERS) as PillowMethod[];

/** The fractional bits of a weight. */
const BITS = 22;

/** A half, which sums begin with so that cutting bits off rounds. */
const HALF = 1 << (BITS - 1);

/** Integer taps along one axis. */
interface FixedTaps {
  readonly start: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly span: number;
}

/** The taps along one axis of the outputs in a window; nothing where no pixel changes. */
function fixedTaps(
  filter: Filter,
  from: number,
  to: number,
  { begin, length }: Interval,
  window: Window,
): FixedTaps | undefined {
  const isWhole = window.begin === 0 && window.length === to;
  if (begin === 0 && length === to && from === to && isWhole) return undefined;
  const scale = length / to;
  const widening = Math.max(scale, 1);
  const support = filter.support * widening;
  const span = Math.ceil(support) * 2 + 1;
  const taps = {
    start: new Int32Array(window.length),
    count: new Int32Array(window.length),
    weights: new Int32Array(window.length * span),
    span,
  };
  const exact = new Float64Array(span);
  for (let i = 0; i < window.length; i++) {
    const centre = begin + (window.begin + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let t = 0; t < end - first; t++) {
      exact[t] = filter.at((t + first - centre + 0.5) * (1 / widening));
      sum += exact[t];
    }
    taps.start[i] = first;
    taps.count[i] = end - first;
    for (let t = 0; t < end - first; t++) {
      const fixed = (sum === 0 ? exact[t] : exact[t] / sum) * 2 ** BITS;
      taps.weights[i * span + t] = Math.trunc(fixed + (fixed < 0 ? -0.5 : 0.5));
    }
  }
  return taps;
}

/** An image of 8-bit channels. */
interface Bytes {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Resizes as `Image.resize((width, height), method, box)` does, and gives the part of the result in a window; `plain`
 * leaves WebAssembly out.
 */
export function pillowResize(
  source: Bytes,
  height: number,
  width: number,
  options: {
    readonly method: PillowMethod;
    readonly box?: Box;
    readonly window?: Box;
    readonly plain?: boolean;
  },
): Uint8Array {
  const {
    method,
    plain,
    box = { y: 0, x: 0, height: source.height, width: source.width },
    window = { y: 0, x: 0, height, width },
  } = options;
  const filter = FILTERS[method];
  const along = (begin: number, length: number): Interval => ({ begin, length });
  const inWidth = [along(box.x, box.width), along(window.x, window.width)] as const;
  const inHeight = [along(box.y, box.height), along(window.y, window.height)] as const;
  const columns = fixedTaps(filter, source.width, width, ...inWidth);
  const rows = fixedTaps(filter, source.height, height, ...inHeight);
  const downFirst = columnsFirst(source, height, width);
  if (source.channels === 3 && !plain) {
    const done = pillowInWasm(source, columns, rows, downFirst);
    if (done) return done;
  }
  const across = (image: Bytes): Bytes => (columns ? resizeRows(image, columns) : image);
  const down = (image: Bytes): Bytes => (rows ? resizeColumns(image, rows) : image);
  return downFirst ? across(down(source)).data : down(across(source)).data;
}

/**
 * Whether Pillow works along the columns first: where the height loses more than twice as many pixels as the width.
 * Observed with Pillow 13; the order shows, as each pass rounds.
 */
const columnsFirst = (source: Bytes, height: number, width: number): boolean =>
  height < source.height && 2 * (source.width - width) < source.height - height;

const clipByte = (x: number): number => (x < 0 ? 0 : x > 255 ? 255 : x);

function resizeRows({ data, height, width, channels }: Bytes, taps: FixedTaps): Bytes {
  const { start, count, weights, span } = taps;
  const columns = start.length;
  const out = new Uint8Array(height * columns * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      const first = (y * width + start[x]) * channels;
      if (channels === 3) {
        let [red, green, blue] = [HALF, HALF, HALF];
        for (let t = 0, from = first; t < count[x]; t++, from += 3) {
          const weight = weights[x * span + t];
          red += data[from] * weight;
          green += data[from + 1] * weight;
          blue += data[from + 2] * weight;
        }
        out[at++] = clipByte(red >> BITS);
        out[at++] = clipByte(green >> BITS);
        out[at++] = clipByte(blue >> BITS);
        continue;
      }
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        for (let t = 0; t < count[x]; t++) {
          sum += data[first + t * channels + c] * weights[x * span + t];
        }
        out[at++] = clipByte(sum >> BITS);
      }
    }
  }
  return { data: out, height, width: columns, channels };
}

function resizeColumns({ data, width, channels }: Bytes, taps: FixedTaps): Bytes {
  const { start, count, weights, span } = taps;
  const length = width * channels;
  const out = new Uint8Array(start.length * length);
  const sums = new Int32Array(length);
  for (let y = 0; y < start.length; y++) {
    sums.fill(HALF);
    for (let t = 0; t < count[y]; t++) {
      const weight = weights[y * span + t];
      const from = (start[y] + t) * length;
      for (let i = 0; i < length; i++) sums[i] += data[from + i] * weight;
    }
    const to = y * length;
    for (let i = 0; i < length; i++) out[to + i] = clipByte(sums[i] >> BITS);
  }
  return { data: out, height: start.length, width, channels };
}
