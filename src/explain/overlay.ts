/** @file A picture, with a map over it and without, as PNG files of the same size. */

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

/** The colours of a map from the least to the most, for a style sheet: their scale beside a map. */
export const SCALE = `linear-gradient(to right, ${COLOURS.map((colour) => `rgb(${colour.join(" ")})`).join(", ")})`;

/** A picture that is to be drawn: its size, grown where it is small, and its bytes. */
function shownPicture(picture: HostArray) {
  const [height, width, channels] = picture.shape;
  const times = Math.max(1, Math.ceil(LEAST_SIDE / Math.min(height, width)));
  const size = [height * times, width * times] as const;
  const bytes =
    picture.dtype === "uint8"
      ? (picture.data as Uint8Array)
      : Uint8Array.from(scaled(toNumbers(picture)), (value) => Math.round(255 * value));
  const pixels = toNumbers(resize(makeImage([height, width, channels], bytes), size, SMOOTH));
  return { size, channels, pixels };
}

/**
 * A picture as it stands below its map in {@link overlay}.
 *
 * @param picture [height, width, 1 or 3]: bytes, or numbers of any range
 */
export async function original(picture: HostArray): Promise<Uint8Array> {
  const { size, channels, pixels } = shownPicture(picture);
  return encode(
    size,
    (pixel, channel) => pixels[pixel * channels + Math.min(channel, channels - 1)],
  );
}

/**
 * A picture with a map over it, the least of its values clear and dark, the greatest yellow.
 *
 * @param picture [height, width, 1 or 3]: bytes, or numbers of any range
 * @param map [rows, columns], which covers the whole picture
 */
export async function overlay(picture: HostArray, map: HostArray): Promise<Uint8Array> {
  const { size, channels, pixels } = shownPicture(picture);
  const [rows, columns] = map.shape;
  const cells = Float32Array.from(scaled(toNumbers(map)));
  const values = toNumbers(resize(makeImage([rows, columns, 1], cells), size, SMOOTH));
  return encode(size, (pixel, channel) => {
    const value = Math.min(Math.max(values[pixel], 0), 1);
    const under = pixels[pixel * channels + Math.min(channel, channels - 1)];
    const hidden = OPACITY * (0.35 + 0.65 * value);
    return under * (1 - hidden) + colourOf(value, channel) * hidden;
  });
}

async function encode(
  [height, width]: readonly [number, number],
  at: (pixel: number, channel: number) => number,
): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) =>
    Math.round(at(Math.floor(i / 3), i % 3)),
  );
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
