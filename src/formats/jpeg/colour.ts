/** @file Components as channels: which colours they are, and lightness with two differences as red, green and blue. */

import type { Frame } from "./frame.ts";
import type { Plane } from "./samples.ts";

/** What the segments of a JPEG say of its colours. */
export interface ColourNotes {
  readonly jfif: boolean;
  /** The transform that an Adobe segment names; undefined without one. */
  readonly adobe: number | undefined;
}

/** Whether the first three components are lightness and two differences, by the rules of libjpeg. */
function isTransformed({ components }: Frame, { jfif, adobe }: ColourNotes): boolean {
  if (components.length === 4) return adobe !== undefined && adobe !== 0;
  if (components.length !== 3) return false;
  if (jfif) return true;
  if (adobe !== undefined) return adobe !== 0;
  return components.map(({ id }) => String.fromCharCode(id)).join("") !== "RGB";
}

/** Bits of the fractions. */
const BITS = 16;
const fixed = (value: number): number => Math.floor(value * (1 << BITS) + 0.5);

/** What a difference adds, by its sample. */
const table = (factor: number, bias: number): Int32Array =>
  Int32Array.from({ length: 256 }, (_, i) => factor * (i - 128) + bias);
const HALF = 1 << (BITS - 1);
const RED = table(fixed(1.402), HALF).map((value) => value >> BITS);
const BLUE = table(fixed(1.772), HALF).map((value) => value >> BITS);
const GREEN_OF_RED = table(-fixed(0.71414), 0);
const GREEN_OF_BLUE = table(-fixed(0.34414), HALF);

/**
 * Channels of a picture, [height, width, components]: grey, red, green and blue, or inks, of which Adobe's files hold the
 * inverse.
 */
export function channelsOf(
  planes: readonly Plane[],
  frame: Frame,
  notes: ColourNotes,
): Uint8Array<ArrayBuffer> {
  const { width, height } = frame;
  const channels = planes.length;
  const out = new Uint8ClampedArray(width * height * channels);
  const transformed = isTransformed(frame, notes);
  for (let y = 0; y < height; y++) {
    let to = y * width * channels;
    for (let x = 0; x < width; x++) {
      if (transformed) {
        const light = planes[0].samples[y * planes[0].stride + x];
        const blue = planes[1].samples[y * planes[1].stride + x];
        const red = planes[2].samples[y * planes[2].stride + x];
        out[to] = light + RED[red];
        out[to + 1] = light + ((GREEN_OF_BLUE[blue] + GREEN_OF_RED[red]) >> BITS);
        out[to + 2] = light + BLUE[blue];
        if (channels === 4) out[to + 3] = planes[3].samples[y * planes[3].stride + x];
      } else {
        for (let c = 0; c < channels; c++)
          out[to + c] = planes[c].samples[y * planes[c].stride + x];
      }
      to += channels;
    }
  }
  const bytes = new Uint8Array(out.buffer);
  if (channels === 4) toInks(bytes, transformed, notes.adobe !== undefined);
  return bytes;
}

/** Four channels as inks: transformed colours are the inverse of inks, and Adobe's files hold the inverse of that. */
function toInks(bytes: Uint8Array, transformed: boolean, adobe: boolean): void {
  for (let i = 0; i < bytes.length; i += 4) {
    if (transformed !== adobe) for (let c = 0; c < 3; c++) bytes[i + c] = 255 - bytes[i + c];
    if (adobe) bytes[i + 3] = 255 - bytes[i + 3];
  }
}
