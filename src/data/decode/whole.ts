/** @file A whole image by sharp: its header, checked against the limits of size, then its pixels. */

import { LIMITS, pixelLimit } from "../../formats/budget.ts";
import type { ByteImage } from "../../preprocess/image.ts";
import { createGate, within } from "../time-limit.ts";
import { decodingCost } from "./image-kind.ts";
import { readPixels } from "./pixels.ts";

/** Images from this many pixels on are decoded one after the other, so that they do not take memory together. */
const LARGE = 8_000_000;
const largeOnes = createGate();

/** How {@link readWhole} reads. */
export interface WholeOptions {
  /** Images with more pixels are refused by their header; default: what `pixelLimit` says of the file's size. */
  readonly maxPixels?: number;
  /** What is an error: also a decoder's warning, or not. Default: "warning". */
  readonly failOn?: "warning" | "error";
}

/** An image as its file has it. */
export interface Whole {
  /** Upright, of 3 channels, or 4 where the file has alpha. */
  readonly pixels: ByteImage;
  /** How many channels the file has. */
  readonly channels: number;
}

/** Why an image of a size is refused; undefined where it is not. */
export function sizeRefusal(
  file: Uint8Array,
  height: number,
  width: number,
  maxPixels = pixelLimit(file.length, decodingCost(file)),
): string | undefined {
  const has = `it has ${width} × ${height} pixels`;
  if (Math.max(height, width) > LIMITS.side) return `${has}; the longest side is ${LIMITS.side}`;
  if (height * width <= maxPixels) return undefined;
  return `${has}; the limit for a file of its size is ${Math.floor(maxPixels / 1e6)} million pixels`;
}

/**
 * An image file's pixels.
 *
 * @param begin hears the size before pixels are decoded
 * @throws what sharp says, or a plain error that says why a file is refused
 */
export async function readWhole(
  file: Uint8Array,
  { maxPixels, failOn = "warning" }: WholeOptions,
  begin?: (height: number, width: number) => void,
): Promise<Whole> {
  const { default: sharp } = await import("sharp");
  const options = { limitInputPixels: false, failOn, pages: 1 } as const;
  const header = await sharp(file, options).metadata();
  const { height, width } = header.autoOrient;
  const refused = sizeRefusal(file, height, width, maxPixels);
  if (refused !== undefined) throw new Error(refused);
  begin?.(height, width);
  const open = (more?: object) =>
    sharp(file, { ...options, ...more }).timeout({ seconds: LIMITS.decodeSeconds });
  const limited = () => within(LIMITS.decodeSeconds, () => readPixels(open, header));
  const pixels = await (height * width < LARGE ? limited() : largeOnes(limited));
  return { pixels, channels: header.channels };
}
