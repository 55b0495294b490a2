/** @file A map over a picture, as a PNG file. */

import { type HostArray, toNumbers } from "../graph/index.ts";
import { makeImage } from "../preprocess/image.ts";
import { resize } from "../preprocess/resize/resize.ts";

/** The shorter side of what is written, at least. */
const LEAST_SIDE = 448;
/** How much of the picture the strongest colour hides. */
const OPACITY = 0.72;

const SMOOTH = { method: "bicubic", antialias: false } as const;

/** Colours from nothing to the most, between which others are mixed: dark blue, violet, red, orange, yellow. */
const COLOURS = [
  [13, 20, 66],
  [98, 24, 130],
  [196, 44, 92],
  [245, 125, 40],
  [252, 238, 110],
] as const;

/** The colour of a value from 0 to 1: red, green or blue. */
function colourOf(value: number, channel: number): number {
  const place = Math.min(Math.max(value, 0), 1) * (COLOURS.length - 1);
  const below = Math.min(Math.floor(place), COLOURS.length - 2);
  const part = place - below;
  return COLOURS[below][channel] * (1 - part) + COLOURS[below + 1][channel] * part;
}

/** Values from 0 to 1: the least to the greatest, or all 0 where they are equal. */
function scaled(values: readonly number[]): number[] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
}

/**
 * A picture with a map over it, the least of its values clear and dark, the greatest yellow.
 *
 * @param picture [height, width, 1 or 3]: bytes, or numbers of any range
 * @param map [rows, columns], which covers the whole picture
 */
export async function overlay(picture: HostArray, map: HostArray): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const [height, width, channels] = picture.shape;
  const times = Math.max(1, Math.ceil(LEAST_SIDE / Math.min(height, width)));
  const size = [height * times, width * times] as const;
  const bytes =
    picture.dtype === "uint8"
      ? (picture.data as Uint8Array)
      : Uint8Array.from(scaled(toNumbers(picture)), (value) => Math.round(255 * value));
  const seen = resize(makeImage([height, width, channels], bytes), size, SMOOTH);
  const [rows, columns] = map.shape;
  const cells = Float32Array.from(scaled(toNumbers(map)));
  const values = toNumbers(resize(makeImage([rows, columns, 1], cells), size, SMOOTH));
  const shown = toNumbers(seen);
  const pixels = Uint8Array.from({ length: size[0] * size[1] * 3 }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const value = Math.min(Math.max(values[pixel], 0), 1);
    const under = shown[pixel * channels + Math.min(channel, channels - 1)];
    const hidden = OPACITY * (0.35 + 0.65 * value);
    return Math.round(under * (1 - hidden) + colourOf(value, channel) * hidden);
  });
  const raw = { width: size[1], height: size[0], channels: 3 } as const;
  return sharp(pixels, { raw }).png().toBuffer();
}
