/**
 * @file Maps of numbers as PNG files: the indices of a palette, or grey values, as they are stored.
 *
 * @see https://www.w3.org/TR/png-3/
 */

import { zlibSync } from "fflate";
import { type HostArray, hostArray } from "../graph/dtype.ts";
import { concatBytes, formatError, guard, viewOf } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { PNG_KINDS, PNG_SIGNATURE, openPng } from "./png-samples.ts";

/** Kinds of files that hold colours in place of numbers. */
const COLOURS: Readonly<Record<number, string>> = {
  [PNG_KINDS.rgb]: "of red, green and blue",
  [PNG_KINDS.greyAlpha]: "of grey with alpha",
  [PNG_KINDS.rgbAlpha]: "of red, green and blue with alpha",
};

/**
 * The numbers of a PNG file with a palette (its indices) or of grey values, [height, width]: uint8, or int32 of 16 bits.
 * No colour is looked up and no value is scaled.
 *
 * @throws a format error where it is damaged, or has colours in place of numbers
 */
export const readPngMap = (bytes: Uint8Array, what: string): HostArray =>
  guard(what, () => {
    const { header, unpack } = openPng(bytes, what);
    const { width, height, depth, kind } = header;
    if (Object.hasOwn(COLOURS, kind)) {
      throw formatError(
        `${what} is ${COLOURS[kind]}, where a map of numbers is a PNG file of grey values or with a palette.`,
      );
    }
    const values = unpack();
    return depth === 16
      ? hostArray([height, width], "int32", Int32Array.from(values))
      : hostArray([height, width], "uint8", values);
  });

/**
 * A map [height, width] of numbers below 256 as a PNG file with a palette: viewers show its colours, and
 * {@link readPngMap} gives its numbers.
 *
 * @param colours red, green and blue of each number
 */
export function writePngMap(
  { shape: [height, width], data }: HostArray,
  colours: readonly (readonly number[])[],
): Uint8Array {
  const lines = new Uint8Array(height * (width + 1)); // a filter of 0 before each line
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) lines[y * (width + 1) + 1 + x] = Number(data[y * width + x]);
  }
  const header = new Uint8Array(13);
  viewOf(header).setUint32(0, width);
  viewOf(header).setUint32(4, height);
  header.set([8, PNG_KINDS.palette], 8);
  return concatBytes([
    Uint8Array.from(PNG_SIGNATURE),
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(colours.flat())),
    chunk("IDAT", zlibSync(lines)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 12);
  const view = viewOf(out);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(name), 4);
  out.set(data, 8);
  view.setUint32(data.length + 8, crc32(out.subarray(4, data.length + 8)));
  return out;
}
