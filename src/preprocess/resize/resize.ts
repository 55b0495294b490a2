/** @file Resizing an image, by TensorFlow's methods and Pillow's. */

import { OcelliError } from "../../errors.ts";
import { type Box, type Image, checkBox, checkMade, crop, makeImage, zerosOf } from "../image.ts";
import { PILLOW_METHODS, type PillowMethod, pillowResize } from "./pillow.ts";
import { weighInWasm } from "../wasm/resize.ts";
import { weigh } from "./taps.ts";
import {
  TENSORFLOW_METHODS,
  type TensorflowMethod,
  nearestPositions,
  roundHalfToEven,
  tensorflowTaps,
} from "./tensorflow.ts";

/** Every method: TensorFlow's by their own names, Pillow's with `pil_` in front. */
export const RESIZE_METHODS = [...TENSORFLOW_METHODS, ...PILLOW_METHODS] as const;
export type ResizeMethod = TensorflowMethod | PillowMethod;

/** How an image is resized. */
export interface ResizeOptions {
  readonly method: ResizeMethod;
  /** Whether TensorFlow's kernels widen when the image gets smaller; Pillow's always do. */
  readonly antialias: boolean;
  /** The part that is scaled, in pixels and fractions of them; default: all of the image. */
  readonly box?: Box;
  /** The part of the result that is wanted, in whole pixels; the rest is not computed. Default: all of it. */
  readonly window?: Box;
  /** Leaves WebAssembly out; the values are the same. */
  readonly plain?: boolean;
}

const isPillow = (method: ResizeMethod): method is PillowMethod =>
  (PILLOW_METHODS as readonly string[]).includes(method);

/**
 * An image of another height and width, in its own dtype. TensorFlow's methods cut the fractions of uint8 values off
 * (after clipping to 0…255), Pillow's round.
 */
export function resize(
  image: Image,
  [height, width]: readonly [number, number],
  { method, antialias, plain, box, window: wanted }: ResizeOptions,
): Image {
  const window = wanted ?? { y: 0, x: 0, height, width };
  if (wanted) checkBox([height, width, 1], wanted);
  const { data } = image;
  const [h, w, channels] = image.shape;
  if (h === height && w === width && !box) return crop(image, window);
  checkMade(window.height, window.width);
  const shape = [window.height, window.width, channels] as const;
  if (isPillow(method)) {
    if (!(data instanceof Uint8Array)) {
      throw new OcelliError(
        "data",
        `resize: ${method} takes an image of uint8, not ${image.dtype}.`,
      );
    }
    const source = { data, height: h, width: w, channels };
    return makeImage(shape, pillowResize(source, height, width, { method, plain, box, window }));
  }
  const [inHeight, inWidth] = box
    ? [
        { begin: box.y, length: box.height },
        { begin: box.x, length: box.width },
      ]
    : [];
  const down = { begin: window.y, length: window.height };
  const across = { begin: window.x, length: window.width };
  if (method === "nearest") {
    const rows = nearestPositions(h, height, inHeight, down);
    return pick(image, rows, nearestPositions(w, width, inWidth, across));
  }
  const rows = tensorflowTaps(method, antialias, h, height, inHeight, down);
  const columns = tensorflowTaps(method, antialias, w, width, inWidth, across);
  if (data instanceof Uint8Array && channels === 3 && !plain) {
    const done = weighInWasm({ data, height: h, width: w }, rows, columns);
    if (done) return makeImage(shape, done);
  }
  const out = zerosOf(image, window.height * window.width * channels);
  const clip = out instanceof Uint8Array;
  weigh({ data, width: w, channels }, rows, columns, (row, values) => {
    if (clip) clipBytes(values);
    out.set(values, row * values.length); // bytes cut fractions off
  });
  return makeImage(shape, out);
}

function clipBytes(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < 0) values[i] = 0;
    else if (value > 255) values[i] = 255;
  }
}

/** The pixels at some rows and columns. */
function pick(image: Image, rows: Int32Array, columns: Int32Array): Image {
  const [, w, channels] = image.shape;
  const out = zerosOf(image, rows.length * columns.length * channels);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * w + column) * channels;
      for (let c = 0; c < channels; c++) out[to++] = image.data[from + c];
    }
  }
  return makeImage([rows.length, columns.length, channels], out);
}

/** The size of an image scaled by a factor, its sides rounded as TensorFlow rounds them. */
export function scaledSize(
  [height, width]: Image["shape"],
  factor: number,
): readonly [height: number, width: number] {
  const side = (pixels: number): number =>
    Math.max(1, roundHalfToEven(Math.fround(pixels * Math.fround(factor))));
  return [side(height), side(width)];
}
