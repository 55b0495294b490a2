/** @file Affine warps by the nearest pixel; what comes in from outside is of one value. */

import { type ByteImage, makeImage } from "../image.ts";

/** Output (x, y) shows input (a x + b y + c, d x + e y + f). */
type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

function warp(image: ByteImage, [a, b, c, d, e, f]: Affine, fill: number): ByteImage {
  const { data, shape } = image;
  const [h, w, channels] = shape;
  const out = new Uint8Array(data.length).fill(fill);
  for (let y = 0, to = 0; y < h; y++) {
    for (let x = 0; x < w; x++, to += channels) {
      const column = Math.round(a * x + b * y + c);
      const row = Math.round(d * x + e * y + f);
      if (column < 0 || column >= w || row < 0 || row >= h) continue;
      const from = (row * w + column) * channels;
      for (let k = 0; k < channels; k++) out[to + k] = data[from + k];
    }
  }
  return makeImage(shape, out);
}

/** Rotates about the middle, clockwise for negative degrees. */
export function rotate(image: ByteImage, degrees: number, fill: number): ByteImage {
  const [h, w] = image.shape;
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [(w - 1) / 2, (h - 1) / 2];
  return warp(image, [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y], fill);
}

/** Moves each row to the left by `amount` of its number. */
export const shearX = (image: ByteImage, amount: number, fill: number): ByteImage =>
  warp(image, [1, amount, 0, 0, 1, 0], fill);

/** Moves each column up by `amount` of its number. */
export const shearY = (image: ByteImage, amount: number, fill: number): ByteImage =>
  warp(image, [1, 0, 0, amount, 1, 0], fill);

/** Moves the image to the left. */
export const translateX = (image: ByteImage, pixels: number, fill: number): ByteImage =>
  warp(image, [1, 0, pixels, 0, 1, 0], fill);

/** Moves the image up. */
export const translateY = (image: ByteImage, pixels: number, fill: number): ByteImage =>
  warp(image, [1, 0, 0, 0, 1, pixels], fill);
