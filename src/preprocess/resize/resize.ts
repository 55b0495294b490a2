/** @file Resizing an image, by TensorFlow's methods and Pillow's. */

import { OcelliError } from "../../errors.ts";
import { type Box, type Image, makeImage, zerosOf } from "../image.ts";
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
  /** The part that is scaled, in pixels and fractions of them; all of the image unless given. */
  readonly box?: Box;
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
  { method, antialias, plain, box }: ResizeOptions,
): Image {
  const { data } = image;
  const [h, w, channels] = image.shape;
  if (h === height && w === width && !box) return image;
  if (isPillow(method)) {
    if (!(data instanceof Uint8Array)) {
      throw new OcelliError(
        "data",
        `resize: ${method} takes an image of uint8, not ${image.dtype}.`,
      );
    }
    const source = { data, height: h, width: w, channels };
    return makeImage(
      [height, width, channels],
      pillowResize(source, height, width, { method, plain, box }),
    );
  }
  const [inHeight, inWidth] = box
    ? [
        { begin: box.y, length: box.height },
        { begin: box.x, length: box.width },
      ]
    : [];
  if (method === "nearest") {
    const rows = nearestPositions(h, height, inHeight);
    return pick(image, rows, nearestPositions(w, width, inWidth));
  }
  const rows = tensorflowTaps(method, antialias, h, height, inHeight);
  const columns = tensorflowTaps(method, antialias, w, width, inWidth);
  if (data instanceof Uint8Array && channels === 3 && !plain) {
    const done = weighInWasm({ data, height: h, width: w }, rows, columns);
    if (done) return makeImage([height, width, channels], done);
  }
  const out = zerosOf(image, height * width * channels);
  const clip = out instanceof Uint8Array;
  weigh({ data, width: w, channels }, rows, columns, (row, values) => {
    if (clip) clipBytes(values);
    out.set(values, row * values.length); // bytes cut fractions off
  });
  return makeImage([height, width, channels], out);
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
