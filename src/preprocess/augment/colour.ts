/** @file Changes of colour, one pixel at a time or by the whole image's statistics; uint8 in and out, fractions cut off. */

import { type ByteImage, byteImageOf, grayscale, makeImage, rgb } from "../image.ts";

const { fround } = Math;
const clipByte = (x: number): number => (x < 0 ? 0 : x > 255 ? 255 : x);

/** Every value replaced by a function of it, one function for each channel. */
function mapChannels(
  image: ByteImage,
  functionOf: (channel: number) => (value: number) => number,
): ByteImage {
  const { data, shape } = image;
  const channels = shape[2];
  const out = new Uint8Array(data.length);
  for (let c = 0; c < channels; c++) {
    const table = Uint8Array.from({ length: 256 }, (_, value) => value).map(functionOf(c));
    for (let i = c; i < data.length; i += channels) out[i] = table[data[i]];
  }
  return makeImage(shape, out);
}

const mapValues = (image: ByteImage, fn: (value: number) => number): ByteImage =>
  mapChannels(image, () => fn);

export const invert = (image: ByteImage): ByteImage => mapValues(image, (x) => 255 - x);

/** Inverts what is not below a threshold. */
export const solarize = (image: ByteImage, threshold: number): ByteImage =>
  mapValues(image, (x) => (x < threshold ? x : 255 - x));

/** Brightens what is below 128. */
export const solarizeAdd = (image: ByteImage, addition: number): ByteImage =>
  mapValues(image, (x) => (x < 128 ? clipByte(x + addition) : x));

/** Keeps the highest bits, 1 to 8 of them. */
export function posterize(image: ByteImage, bits: number): ByteImage {
  const shift = Math.min(Math.max(8 - bits, 0), 7);
  return mapValues(image, (x) => (x >> shift) << shift);
}

/** Each channel's histogram, 256 counts. */
function histogram({ data, shape }: ByteImage, channel: number): Int32Array {
  const counts = new Int32Array(256);
  for (let i = channel; i < data.length; i += shape[2]) counts[data[i]]++;
  return counts;
}

/** Stretches each channel to the whole range. */
export const autoContrast = (image: ByteImage): ByteImage =>
  mapChannels(image, (channel) => {
    const counts = histogram(image, channel);
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (low >= high) return (x) => x;
    const scale = fround(255 / (high - low));
    const offset = fround(-low * scale);
    return (x) => clipByte(fround(fround(x * scale) + offset));
  });

/** Makes each channel's histogram flat, as Pillow's `ImageOps.equalize` does. */
export const equalize = (image: ByteImage): ByteImage =>
  mapChannels(image, (channel) => {
    const counts = histogram(image, channel);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const last = counts.findLast((count) => count > 0) ?? 0;
    const step = Math.floor((total - last) / 255);
    if (step === 0) return (x) => x;
    let below = Math.floor(step / 2);
    const table = counts.map((count) => {
      const value = Math.min(255, Math.floor(below / step));
      below += count;
      return value;
    });
    return (x) => table[x];
  });

/** A value away from (factor above 1) or towards (below 1) a base. */
const blend = (base: number, value: number, factor: number): number =>
  clipByte(fround(base + fround(factor * (value - base))));

/** The blend of each value with its own of another image. */
function blendImages(base: Uint8Array, image: ByteImage, factor: number): ByteImage {
  const { data, shape } = image;
  const f = fround(factor);
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = blend(base[i], data[i], f);
  return makeImage(shape, out);
}

/** Brightness by a factor; 1 leaves the image as it is. */
export const brightness = (image: ByteImage, factor: number): ByteImage =>
  contrast(image, factor, 0);

/** Saturation by a factor; 1 leaves the image as it is, 0 makes it grey. */
export function saturation(image: ByteImage, factor: number): ByteImage {
  if (image.shape[2] === 1) return image;
  const grey = byteImageOf("saturation", rgb(grayscale(image)));
  return blendImages(grey.data, image, factor);
}

/** Contrast about a level by a factor; 1 leaves the image as it is. */
export const contrast = (image: ByteImage, factor: number, level: number): ByteImage =>
  mapValues(image, (value) => blend(level, value, fround(factor)));

/** The mean luma, rounded. */
export function meanLuma(image: ByteImage): number {
  const grey = grayscale(image).data;
  let sum = 0;
  for (const value of grey) sum += value;
  return Math.floor(sum / grey.length + 0.5);
}

/** Sharpness by a factor; 1 leaves the image as it is, 0 smooths it (but for its border). */
export function sharpness(image: ByteImage, factor: number): ByteImage {
  const { data, shape } = image;
  const [h, w, channels] = shape;
  const stride = w * channels;
  const smooth = data.slice();
  for (let y = 1; y < h - 1; y++) {
    for (let i = y * stride + channels; i < (y + 1) * stride - channels; i++) {
      let sum = 4 * data[i];
      for (const row of [i - stride, i, i + stride]) {
        sum += data[row - channels] + data[row] + data[row + channels];
      }
      smooth[i] = sum / 13;
    }
  }
  return blendImages(smooth, image, factor);
}

/** Turns the hue by a part of the colour circle. */
export function turnHue(image: ByteImage, turn: number): ByteImage {
  const { data, shape } = image;
  if (shape[2] !== 3) return image;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i];
    const g = data[i + 1];
    const b = data[i + 2];
    const value = Math.max(r, g, b);
    const chroma = value - Math.min(r, g, b);
    let hue = 0; // in sixths
    if (chroma > 0) {
      if (value === r) hue = (g - b) / chroma;
      else if (value === g) hue = (b - r) / chroma + 2;
      else hue = (r - g) / chroma + 4;
    }
    hue = (hue + 6 * turn + 12) % 6;
    for (let c = 0; c < 3; c++) {
      const k = (5 - 2 * c + hue) % 6;
      out[i + c] = Math.round(value - chroma * Math.max(0, Math.min(k, 4 - k, 1)));
    }
  }
  return makeImage(shape, out);
}
