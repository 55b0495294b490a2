/** @file Pixels of any kind of file that sharp reads, as bytes of red, green, blue and alpha. */

import type { Metadata, Sharp } from "sharp";
import { type ByteImage, makeImage, rgb } from "../../preprocess/image.ts";
import { inksToColours } from "../../preprocess/inks.ts";

/** Depths of channels: bytes, and those whose upper byte is taken. */
const WHOLE = ["uchar", "ushort"];
/** Depths of fractions, which are read from 0 to 1. */
const FRACTIONS = ["float", "double"];

/**
 * Upright pixels, uint8 of [height, width, 3], or of 4 where the file has alpha.
 *
 * 16-bit channels are cut to their upper byte; fractions from 0 to 1 are scaled by 255, as they are, without a change of
 * brightness; CMYK goes through its profile, or without one as Pillow has it.
 *
 * @throws a plain error, whose message says what the file is, where channels are of another kind, or fractions not from 0 to 1
 */
export async function readPixels(
  sharp: (options?: { readonly ignoreIcc: boolean }) => Sharp,
  { depth, space, icc, channels }: Metadata,
): Promise<ByteImage> {
  if (FRACTIONS.includes(depth)) {
    // in the file's own space, so that nothing is converted
    const opened = sharp().rotate().pipelineColourspace(space).toColourspace(space);
    const { data, info } = await opened
      .raw({ depth: "float" })
      .toBuffer({ resolveWithObject: true });
    const values = new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    return fromFile(info.height, info.width, info.channels, scaled(values));
  }
  if (!WHOLE.includes(depth)) {
    throw unreadable(
      `its channels are of the kind ${depth}; whole numbers of 8 and 16 bits and fractions are read`,
    );
  }
  const isBareCmyk = space === "cmyk" && icc === undefined && channels === 4;
  const opened = isBareCmyk
    ? sharp().rotate().pipelineColourspace("cmyk").toColourspace("cmyk")
    : sharp({ ignoreIcc: space !== "cmyk" })
        .rotate()
        .toColourspace("srgb");
  const { data, info } = await opened.raw().toBuffer({ resolveWithObject: true });
  // a Buffer's own slices would share its memory, which cannot be handed to other threads
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (!isBareCmyk) return fromFile(info.height, info.width, info.channels, bytes);
  return makeImage([info.height, info.width, 3], inksToColours(bytes));
}

/** Pixels of 1 to 4 channels: grey becomes three colours, alpha stays. */
function fromFile(height: number, width: number, channels: number, data: Uint8Array): ByteImage {
  if (channels !== 2) {
    const image = makeImage([height, width, channels], data);
    return channels === 4 ? image : (rgb(image) as ByteImage);
  }
  const out = new Uint8Array(height * width * 4);
  for (let i = 0; i < height * width; i++) {
    out.fill(data[2 * i], 4 * i, 4 * i + 3);
    out[4 * i + 3] = data[2 * i + 1];
  }
  return makeImage([height, width, 4], out);
}

/** Fractions as bytes. */
function scaled(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value >= 0 && value <= 1)) {
      throw unreadable(`it has the fraction ${value}; fractions are read from 0 to 1`);
    }
    bytes[i] = Math.round(value * 255);
  }
  return bytes;
}

const unreadable = (reason: string): Error => new Error(reason);
