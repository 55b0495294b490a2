/** @file Affine warps by the nearest pixel; what comes in from outside is of one value. */

import { type ByteImage, makeImage } from "../image.ts";
import { type Affine, warpMove } from "../spatial.ts";

/** The image warped. */
export function warp(image: ByteImage, affine: Affine, fill: number): ByteImage {
  const { data, shape } = image;
  const [h, w, channels] = shape;
  const { shows } = warpMove([h, w], affine);
  const out = new Uint8Array(data.length).fill(fill);
  for (let y = 0, to = 0; y < h; y++) {
    for (let x = 0; x < w; x++, to += channels) {
      const from = shows(y, x);
      if (from < 0) continue;
      for (let k = 0; k < channels; k++) out[to + k] = data[from * channels + k];
    }
  }
  return makeImage(shape, out);
}

/** A warp of an image by some amount. */
export type Warp = (image: ByteImage, amount: number) => Affine;

/** Rotates about the middle, clockwise for negative degrees. */
export const rotate: Warp = ({ shape: [h, w] }, degrees) => {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [(w - 1) / 2, (h - 1) / 2];
  return [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y];
};

/** Moves each row to the left by `amount` of its number. */
export const shearX: Warp = (_, amount) => [1, amount, 0, 0, 1, 0];

/** Moves each column up by `amount` of its number. */
export const shearY: Warp = (_, amount) => [1, 0, 0, amount, 1, 0];

/** Moves the image to the left. */
export const translateX: Warp = (_, pixels) => [1, 0, pixels, 0, 1, 0];

/** Moves the image up. */
export const translateY: Warp = (_, pixels) => [1, 0, 0, 0, 1, pixels];
