/** @file Gaussian blur of 8-bit images as torchvision has it. */

import { OcelliError } from "../../errors.ts";
import { type ByteImage, makeImage } from "../image.ts";

/** A tenth of the smaller side, made odd: SimCLR's window. */
export function usualWindow({ shape: [height, width] }: ByteImage): number {
  const tenth = Math.max(1, Math.floor(Math.min(height, width) / 10));
  return tenth % 2 === 1 ? tenth : tenth + 1;
}

/** Weights of a window of pixels, their sum 1. */
function weightsOf(window: number, sigma: number): number[] {
  const weights = Array.from({ length: window }, (_, i) =>
    Math.exp(-0.5 * ((i - (window - 1) / 2) / sigma) ** 2),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** A place beyond an edge, mirrored at the pixel of the edge. */
const mirrored = (at: number, length: number): number =>
  at < 0 ? -at : at >= length ? 2 * (length - 1) - at : at;

/**
 * Blurs by a window that is mirrored at the edges; values are rounded.
 *
 * @param window an odd number of pixels, whose half is less than each side
 * @param sigma the deviation in pixels
 */
export function gaussianBlur(image: ByteImage, window: number, sigma: number): ByteImage {
  const { data, shape } = image;
  const [height, width, channels] = shape;
  const half = (window - 1) / 2;
  if (window % 2 !== 1 || half >= Math.min(height, width)) {
    throw new OcelliError(
      "config",
      `gaussian_blur: a window of ${window} pixels does not fit an image of ${height}×${width}.`,
      { hint: "It is odd, and its half less than each side." },
    );
  }
  const weights = weightsOf(window, sigma);
  const between = new Float64Array(data.length);
  const out = new Uint8Array(data.length);
  const along = (
    from: ArrayLike<number>,
    index: (y: number, x: number, k: number) => number,
    set: (at: number, value: number) => void,
  ): void => {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let k = 0; k < window; k++) sum += weights[k] * from[index(y, x, k) * channels + c];
          set((y * width + x) * channels + c, sum);
        }
  };
  along(
    data,
    (y, x, k) => y * width + mirrored(x + k - half, width),
    (at, value) => (between[at] = value),
  );
  along(
    between,
    (y, x, k) => mirrored(y + k - half, height) * width + x,
    (at, value) => (out[at] = Math.round(value)),
  );
  return makeImage(shape, out);
}
