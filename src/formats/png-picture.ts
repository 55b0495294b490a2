/** @file PNG files as pictures: bytes of grey or of colours, with alpha where there is some. */

import { type HostArray, hostArray } from "../graph/dtype.ts";
import { formatError, guard } from "./bytes.ts";
import { orientationIn } from "./exif.ts";
import { PNG_KINDS, type PngFile, openPng } from "./png-samples.ts";

/** A decoded file. */
export interface PngPicture {
  /** uint8 [height, width, channels]: grey, grey with alpha, red, green and blue, or these with alpha. */
  readonly pixels: HostArray;
  /** How it is to be turned: EXIF's 1 to 8. */
  readonly orientation: number;
}

/**
 * A PNG file's pixels: palettes are looked up, fewer than 8 bits are scaled to 255, 16 bits are cut to their upper byte.
 *
 * @param what names the file in errors
 * @throws a format error where it is damaged, truncated or too large
 */
export const readPngPicture = (bytes: Uint8Array, what: string): PngPicture =>
  guard(what, () => {
    const file = openPng(bytes, what);
    const { width, height, kind } = file.header;
    const { channels, data } = kind === PNG_KINDS.palette ? lookedUp(file, what) : direct(file);
    const exif = file.chunk("eXIf");
    return {
      pixels: hostArray([height, width, channels], "uint8", data),
      orientation: exif ? orientationIn(exif) : 1,
    };
  });

/** Colours of a palette. */
function lookedUp(file: PngFile, what: string) {
  const [palette, alphas] = [file.chunk("PLTE"), file.chunk("tRNS")];
  if (!palette || palette.length % 3 !== 0) throw formatError(`${what} has no palette.`);
  const indices = file.unpack();
  const channels = alphas ? 4 : 3;
  const data = new Uint8Array(indices.length * channels);
  indices.forEach((index, i) => {
    if (3 * index >= palette.length) {
      throw formatError(`${what} is damaged: its palette has no colour ${index}.`);
    }
    data.set(palette.subarray(3 * index, 3 * index + 3), i * channels);
    if (alphas) data[i * channels + 3] = alphas[index] ?? 255;
  });
  return { channels, data };
}

/** Samples as bytes, and alpha where one colour is said to be transparent. */
function direct(file: PngFile) {
  const { depth, samples } = file.header;
  const stored = file.unpack();
  const scale = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  const byteOf = (value: number): number => (depth === 16 ? value >> 8 : value * scale);
  const hidden = samples % 2 === 1 ? file.chunk("tRNS") : undefined;
  if (!hidden || hidden.length < 2 * samples) {
    if (depth === 8) return { channels: samples, data: stored as Uint8Array<ArrayBuffer> };
    const data = new Uint8Array(stored.length);
    for (let i = 0; i < data.length; i++) data[i] = byteOf(stored[i]);
    return { channels: samples, data };
  }
  const colour = Array.from({ length: samples }, (_, c) => hidden[2 * c] * 256 + hidden[2 * c + 1]);
  const channels = samples + 1;
  const data = new Uint8Array((stored.length / samples) * channels);
  for (let from = 0, to = 0; from < stored.length; from += samples, to += channels) {
    let isHidden = true;
    for (let c = 0; c < samples; c++) {
      data[to + c] = byteOf(stored[from + c]);
      isHidden &&= stored[from + c] === colour[c];
    }
    data[to + samples] = isHidden ? 0 : 255;
  }
  return { channels, data };
}
