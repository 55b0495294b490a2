/** @file One image of [height, width, channels], uint8 or float32, and moving its pixels about. */

import { OcelliError } from "../errors.ts";
import { LIMITS } from "../formats/budget.ts";
import type { HostArray } from "../graph/dtype.ts";
import { mirrorInWasm } from "./wasm/points.ts";

/** An image on the host. */
export interface Image extends HostArray {
  readonly shape: readonly [height: number, width: number, channels: number];
  readonly dtype: "uint8" | "float32";
  readonly data: Uint8Array | Float32Array;
}

/** An image whose channels are bytes. */
export interface ByteImage extends Image {
  readonly dtype: "uint8";
  readonly data: Uint8Array;
}

const describe = (array: HostArray | undefined): string =>
  array ? `${array.dtype}[${array.shape.join(",")}]` : "nothing";

/** Whether an array is an image. */
export const isImage = (array: HostArray | undefined): array is Image =>
  (array?.dtype === "uint8" || array?.dtype === "float32") && array.shape.length === 3;

/** The array as an image; an error where it is none. */
export function imageOf(operation: string, array: HostArray | undefined): Image {
  if (isImage(array)) return array;
  throw new OcelliError(
    "data",
    `${operation} takes an image of uint8 or float32[height,width,channels], not ${describe(array)}.`,
  );
}

/** The image as one of bytes; an error where its values are not. */
export function byteImageOf(operation: string, image: Image): ByteImage {
  if (image.dtype === "uint8") return image as ByteImage;
  throw new OcelliError(
    "data",
    `${operation} takes an image of uint8[height,width,channels], not ${describe(image)}.`,
    { hint: `Put it before operations such as value_range.` },
  );
}

/** An image of the dtype of its data. */
export function makeImage(shape: Image["shape"], data: Uint8Array): ByteImage;
export function makeImage(shape: Image["shape"], data: Uint8Array | Float32Array): Image;
export function makeImage(shape: Image["shape"], data: Uint8Array | Float32Array): Image {
  return { shape, dtype: data instanceof Uint8Array ? "uint8" : "float32", data };
}

/** Zeros in the dtype of an image. */
export const zerosOf = ({ dtype }: Image, size: number): Uint8Array | Float32Array =>
  dtype === "uint8" ? new Uint8Array(size) : new Float32Array(size);

/** A box of an image. */
export interface Box {
  readonly y: number;
  readonly x: number;
  readonly height: number;
  readonly width: number;
}

/** An error where a box does not lie inside an image. */
export function checkBox([h, w]: Image["shape"], { y, x, height, width }: Box): void {
  if (y >= 0 && x >= 0 && y + height <= h && x + width <= w) return;
  throw new OcelliError(
    "data",
    `a crop of ${height}×${width} does not fit into an image of ${h}×${w}.`,
    { hint: "Resize or pad it before." },
  );
}

/** An error where an operation would make more pixels than {@link LIMITS.madePixels}. */
export function checkMade(height: number, width: number): void {
  if (height * width <= LIMITS.madePixels) return;
  throw new OcelliError(
    "data",
    `an image of ${height}×${width} is larger than the ${LIMITS.madePixels} pixels that preprocessing makes.`,
    { hint: "A crop right behind a resize is made alone; very thin images need one." },
  );
}

/** The part of an image in a box, which must lie inside. */
export function crop(image: Image, box: Box): Image {
  checkBox(image.shape, box);
  const { y, x, height, width } = box;
  const [h, w, channels] = image.shape;
  if (height === h && width === w) return image;
  const out = zerosOf(image, height * width * channels);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * w + x) * channels;
    out.set(image.data.subarray(from, from + width * channels), row * width * channels);
  }
  return makeImage([height, width, channels], out);
}

/** The box of an extent in the middle of an image, by whole pixels towards the top left. */
export function centralBox([h, w]: Image["shape"], height: number, width: number): Box {
  return { y: Math.floor((h - height) / 2), x: Math.floor((w - width) / 2), height, width };
}

/** An image mirrored left to right. */
export function mirror(image: Image): Image {
  const [h, w, channels] = image.shape;
  const { data } = image;
  if (data instanceof Uint8Array && channels === 3) {
    const mirrored = mirrorInWasm(data, h, w);
    if (mirrored) return makeImage(image.shape, mirrored);
  }
  const out = zerosOf(image, data.length);
  let at = 0;
  for (let y = 0; y < h; y++) {
    for (let x = w - 1; x >= 0; x--) {
      const from = (y * w + x) * channels;
      for (let c = 0; c < channels; c++) out[at++] = data[from + c];
    }
  }
  return makeImage(image.shape, out);
}

/** How many pixels to add on each side. */
export interface Border {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** An image with a border of one value. */
export function pad(image: Image, border: Border, value: number): Image {
  const [h, w, channels] = image.shape;
  const width = w + border.left + border.right;
  const height = h + border.top + border.bottom;
  checkMade(height, width);
  const out = zerosOf(image, height * width * channels).fill(value);
  for (let y = 0; y < h; y++) {
    const row = image.data.subarray(y * w * channels, (y + 1) * w * channels);
    out.set(row, ((y + border.top) * width + border.left) * channels);
  }
  return makeImage([height, width, channels], out);
}

/** The index that one up to a size outside stands for, where a border mirrors without repeating what is outermost. */
export const mirroredIndex = (at: number, size: number): number =>
  at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;

/** An image with a border that mirrors it, without repeating its outermost pixels. */
export function padReflected(image: Image, pixels: number): Image {
  const [h, w, channels] = image.shape;
  if (pixels >= h || pixels >= w) {
    throw new OcelliError(
      "data",
      `pad: ${pixels} reflected pixels need an image larger than ${h}×${w}.`,
    );
  }
  const [height, width] = [h + 2 * pixels, w + 2 * pixels];
  checkMade(height, width);
  const out = zerosOf(image, height * width * channels);
  let to = 0;
  for (let y = -pixels; y < h + pixels; y++) {
    for (let x = -pixels; x < w + pixels; x++) {
      const from = (mirroredIndex(y, h) * w + mirroredIndex(x, w)) * channels;
      for (let c = 0; c < channels; c++) out[to++] = image.data[from + c];
    }
  }
  return makeImage([height, width, channels], out);
}

/** An image moved down by `dy` and right by `dx` pixels; what comes in is zero. */
export function shift(image: Image, dy: number, dx: number): Image {
  const { data } = image;
  const [h, w, channels] = image.shape;
  const out = zerosOf(image, data.length);
  const length = Math.max(0, w - Math.abs(dx)) * channels;
  for (let y = Math.max(0, dy); y < Math.min(h, h + dy); y++) {
    const from = ((y - dy) * w + Math.max(0, -dx)) * channels;
    out.set(data.subarray(from, from + length), (y * w + Math.max(0, dx)) * channels);
  }
  return makeImage(image.shape, out);
}

/**
 * An image of three channels as its luma, 0.2989 R + 0.587 G + 0.114 B; one channel stays as it is.
 *
 * @see https://www.tensorflow.org/api_docs/python/tf/image/rgb_to_grayscale (its rounding too)
 */
export function grayscale(image: Image): Image {
  const { data } = image;
  const [h, w, channels] = image.shape;
  if (channels === 1) return image;
  if (channels !== 3) {
    throw new OcelliError("data", `grayscale takes 1 or 3 channels, not ${channels}.`);
  }
  const factor = image.dtype === "uint8" ? 255.5 / 255 : 1;
  const out = zerosOf(image, h * w);
  for (let i = 0; i < out.length; i++) {
    const luma = 0.2989 * data[3 * i] + 0.587 * data[3 * i + 1] + 0.114 * data[3 * i + 2];
    out[i] = luma * factor;
  }
  return makeImage([h, w, 1], out);
}

/** An image of one channel with it repeated three times, one of four without its last; three stay. */
export function rgb(image: Image): Image {
  const [h, w, channels] = image.shape;
  if (channels === 3) return image;
  if (channels !== 1 && channels !== 4) {
    throw new OcelliError("data", `rgb takes 1, 3 or 4 channels, not ${channels}.`);
  }
  const out = zerosOf(image, h * w * 3);
  for (let i = 0; i < h * w; i++) {
    for (let c = 0; c < 3; c++) out[3 * i + c] = image.data[channels === 1 ? i : 4 * i + c];
  }
  return makeImage([h, w, 3], out);
}
