/**
 * @file TensorFlow's image resizing: its sample positions and weights in float32, at half-pixel centres.
 *
 * @see https://www.tensorflow.org/api_docs/python/tf/image/resize
 */

import { type Interval, type Taps, type Window, makeTaps } from "./taps.ts";

/** TensorFlow's methods; `area` and `nearest` are the same with and without antialiasing. */
export const TENSORFLOW_METHODS = ["bilinear", "area", "bicubic", "lanczos3", "nearest"] as const;
export type TensorflowMethod = (typeof TENSORFLOW_METHODS)[number];

const { fround } = Math;

/** The position in the source of an output's centre, in pixels from the first pixel's edge. */
const centre = (output: number, scale: number, begin: number): number =>
  fround(fround(fround(output + 0.5) * scale) + begin);

/** The source position of each output position in a window under `nearest`. */
export function nearestPositions(
  from: number,
  to: number,
  { begin, length }: Interval = { begin: 0, length: from },
  window: Window = { begin: 0, length: to },
): Int32Array {
  const scale = fround(length / to);
  return Int32Array.from({ length: window.length }, (_, i) =>
    Math.min(Math.floor(centre(window.begin + i, scale, begin)), from - 1),
  );
}

/** The taps of a method along one axis, for the output positions in a window. */
export function tensorflowTaps(
  method: Exclude<TensorflowMethod, "nearest">,
  antialias: boolean,
  from: number,
  to: number,
  part: Interval = { begin: 0, length: from },
  window: Window = { begin: 0, length: to },
): Taps {
  const axis = { from, to, part, window };
  if (method === "area") return areaTaps(axis);
  if (method === "lanczos3") return kernelTaps(lanczos3, axis, antialias);
  if (antialias) return kernelTaps(method === "bilinear" ? triangle : keysCubic, axis, true);
  return method === "bilinear" ? bilinearTaps(axis) : bicubicTaps(axis);
}

/** An axis that is scaled: its extents, the part of the source, the outputs that are wanted. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly part: Interval;
  readonly window: Window;
}

/** The two neighbours. */
function bilinearTaps({ from, to, part: { begin, length }, window }: Axis): Taps {
  const scale = fround(length / to);
  return makeTaps(window, (i) => {
    const at = fround(centre(i, scale, begin) - 0.5);
    const low = Math.floor(at);
    if (low < 0) return { start: 0, weights: [1] };
    if (low >= from - 1) return { start: from - 1, weights: [1] };
    return { start: low, weights: [1 - (at - low), at - low] };
  });
}

/** What each source position shares with the output's interval; the sums are divided by the scale. */
function areaTaps({ from, to, part: { begin: first, length }, window }: Axis): Taps {
  const scale = fround(length / to);
  const isCut = first + length > from;
  return makeTaps(window, (i) => {
    const begin = fround(fround(i * scale) + first);
    const end = Math.min(fround(fround((i + 1) * scale) + first), from);
    const start = Math.floor(begin);
    const divisor = isCut ? end - begin : scale;
    const weights = Array.from(
      { length: Math.ceil(end) - start },
      (_, t) => (Math.min(start + t + 1, end) - Math.max(start + t, begin)) / divisor,
    );
    return { start, weights };
  });
}

/** Steps of a pixel in which the weights of the plain bicubic method are tabulated. */
const TABLE_STEPS = 1024;

/** The four neighbours, by Keys' cubic at a rounded distance; what lies outside the image weighs nothing. */
function bicubicTaps({ from, to, part: { begin, length }, window }: Axis): Taps {
  const scale = fround(length / to);
  return makeTaps(window, (i) => {
    const at = fround(centre(i, scale, begin) - 0.5);
    const low = Math.floor(at);
    const step = roundHalfToEven(fround(at - low) * TABLE_STEPS);
    const distance = (t: number): number => Math.abs(t - 1 - step / TABLE_STEPS);
    return normalised(low - 1, low + 2, from, (t) => keysCubic.at(distance(t - low + 1)));
  });
}

/** A kernel: its value by distance, and the distance from which on it is 0. */
interface Kernel {
  readonly radius: number;
  at(distance: number): number;
}

const triangle: Kernel = { radius: 1, at: (x) => Math.max(0, 1 - x) };

/** Keys (1981) with a = -1/2. */
const keysCubic: Kernel = {
  radius: 2,
  at(x) {
    if (x >= 2) return 0;
    return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1;
  },
};

const lanczos3: Kernel = {
  radius: 3,
  at(x) {
    if (x > 3) return 0;
    if (x <= 1e-3) return 1;
    return (3 * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / 3)) / (Math.PI * x) ** 2;
  },
};

/** All positions that a kernel reaches; antialiasing widens it by the scale when the image gets smaller. */
function kernelTaps(
  kernel: Kernel,
  { from, to, part: { begin, length }, window }: Axis,
  antialias: boolean,
): Taps {
  const scale = fround(1 / fround(to / length));
  const widening = antialias ? Math.max(scale, 1) : 1;
  const reach = fround(kernel.radius * widening);
  return makeTaps(window, (i) => {
    const at = centre(i, scale, begin);
    const first = Math.ceil(fround(fround(at - reach) - 0.5));
    const last = Math.floor(fround(fround(at + reach) - 0.5));
    return normalised(first, last, from, (t) =>
      kernel.at(Math.abs(fround(fround(fround(t + 0.5) - at) / widening))),
    );
  });
}

/** Taps at the positions from `first` to `last` that lie in the source, with weights that sum to 1. */
function normalised(first: number, last: number, from: number, weigh: (at: number) => number) {
  const start = Math.min(Math.max(first, 0), from - 1);
  const end = Math.min(Math.max(last, 0), from - 1);
  const weights = Array.from({ length: end - start + 1 }, (_, t) => fround(weigh(start + t)));
  const factor = fround(1 / weights.reduce((sum, weight) => fround(sum + weight), 0));
  return { start, weights: weights.map((weight) => fround(weight * factor)) };
}

/** Rounding as `rint` does. */
export function roundHalfToEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
