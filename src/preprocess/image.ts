/** @file Operations on one uint8 image of [height, width, channels]. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";

/** An error for an image that an operation cannot take. */
function checkImage(operation: string, image: HostArray | undefined): Uint8Array {
  if (image?.dtype === "uint8" && image.shape.length === 3) return image.data as Uint8Array;
  const given = image ? `${image.dtype}[${image.shape.join(",")}]` : "nothing";
  throw new OcelliError(
    "data",
    `${operation} takes an image of uint8[height,width,channels], not ${given}.`,
  );
}

/** Sample positions along one axis: the two neighbours and the weight of the second, at half-pixel centres. */
function bilinearTaps(from: number, to: number) {
  return Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * from) / to - 0.5;
    const low = Math.floor(at);
    return {
      low: Math.max(0, low),
      high: Math.min(from - 1, low + 1),
      weight: at - low,
    };
  });
}

/**
 * An image scaled by bilinear interpolation without antialiasing; fractions are cut off.
 *
 * @see https://www.tensorflow.org/api_docs/python/tf/image/resize (`bilinear`, followed by a cast to uint8)
 */
export function resizeBilinear(image: HostArray, height: number, width: number): HostArray {
  const data = checkImage("resize", image);
  const [h, w, channels] = image.shape;
  if (h === height && w === width) return image;
  const rows = bilinearTaps(h, height);
  const columns = bilinearTaps(w, width);
  const out = new Uint8Array(height * width * channels);
  let at = 0;
  for (const y of rows) {
    for (const x of columns) {
      for (let c = 0; c < channels; c++) {
        const pixel = (row: number, column: number) => data[(row * w + column) * channels + c];
        const top = pixel(y.low, x.low) * (1 - x.weight) + pixel(y.low, x.high) * x.weight;
        const bottom = pixel(y.high, x.low) * (1 - x.weight) + pixel(y.high, x.high) * x.weight;
        out[at++] = top * (1 - y.weight) + bottom * y.weight; // the typed array truncates
      }
    }
  }
  return { shape: [height, width, channels], dtype: "uint8", data: out };
}

/**
 * An image of three channels as its luma, 0.2989 R + 0.587 G + 0.114 B; one channel stays as it is.
 *
 * @see https://www.tensorflow.org/api_docs/python/tf/image/rgb_to_grayscale (its rounding too)
 */
export function grayscale(image: HostArray): HostArray {
  const data = checkImage("grayscale", image);
  const [h, w, channels] = image.shape;
  if (channels === 1) return image;
  if (channels !== 3) {
    throw new OcelliError("data", `grayscale takes 1 or 3 channels, not ${channels}.`);
  }
  const out = new Uint8Array(h * w);
  for (let i = 0; i < out.length; i++) {
    const luma = 0.2989 * data[3 * i] + 0.587 * data[3 * i + 1] + 0.114 * data[3 * i + 2];
    out[i] = (luma / 255) * 255.5;
  }
  return { shape: [h, w, 1], dtype: "uint8", data: out };
}

/** An image moved down by `dy` and right by `dx` pixels; what comes in is zero. */
export function shift(image: HostArray, dy: number, dx: number): HostArray {
  const data = checkImage("random_shift", image);
  const [h, w, channels] = image.shape;
  const out = new Uint8Array(data.length);
  const length = Math.max(0, w - Math.abs(dx)) * channels;
  for (let y = Math.max(0, dy); y < Math.min(h, h + dy); y++) {
    const from = ((y - dy) * w + Math.max(0, -dx)) * channels;
    out.set(data.subarray(from, from + length), (y * w + Math.max(0, dx)) * channels);
  }
  return { shape: image.shape, dtype: "uint8", data: out };
}
