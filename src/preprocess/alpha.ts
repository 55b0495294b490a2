/** @file Transparency: what becomes of an image's alpha, one rule for files, browsers and arrays. */

import { type ByteImage, type Image, makeImage, zerosOf } from "./image.ts";

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** What becomes of alpha: the image is laid on a background, or alpha is left out and hidden colours show. */
export type AlphaRule = "drop" | Colour;

/** Colours by name. */
export const COLOURS = { white: [255, 255, 255], black: [0, 0, 0] } as const satisfies Record<
  string,
  Colour
>;

/** A colour in words. */
export function describeColour(rule: Colour): string {
  const names = Object.entries(COLOURS) as [string, Colour][];
  const found = names.find(([, colour]) => String(colour) === String(rule));
  return found ? found[0] : `(${rule.join(",")})`;
}

/** Whether an image has alpha: grey with alpha has 2 channels, red, green and blue with alpha have 4. */
const hasAlpha = ({ shape: [, , channels] }: Image): boolean => channels === 2 || channels === 4;

/** Whether a part of an image is not fully opaque. */
export function isTransparent(image: Image): boolean {
  if (!hasAlpha(image)) return false;
  const channels = image.shape[2];
  const full = image.dtype === "uint8" ? 255 : 1;
  for (let at = channels - 1; at < image.data.length; at += channels) {
    if (image.data[at] < full) return true;
  }
  return false;
}

/** Whether all pixels of an image are the same. */
export function isPlain({ shape: [, , channels], data }: Image): boolean {
  for (let at = channels; at < data.length; at++) {
    if (data[at] !== data[at - channels]) return false;
  }
  return true;
}

/**
 * An image without alpha: one with it becomes red, green and blue; others stay as they are. Bytes are
 * round((alpha · colour + (255 − alpha) · background) / 255), where colours are not multiplied by alpha before; for
 * float32, where 1 is opaque and white, alpha · colour + (1 − alpha) · background / 255.
 */
export function opaque(image: ByteImage, rule: AlphaRule): ByteImage;
export function opaque(image: Image, rule: AlphaRule): Image;
export function opaque(image: Image, rule: AlphaRule): Image {
  if (!hasAlpha(image)) return image;
  const { data } = image;
  const [height, width, channels] = image.shape;
  const out = zerosOf(image, height * width * 3);
  const step = channels === 4 ? 1 : 0; // grey is all three colours
  const mixed =
    image.dtype === "uint8"
      ? (colour: number, alpha: number, behind: number): number =>
          Math.floor((alpha * colour + (255 - alpha) * behind + 127) / 255)
      : (colour: number, alpha: number, behind: number): number =>
          alpha * colour + (1 - alpha) * (behind / 255);
  for (let from = 0, to = 0; from < data.length; from += channels) {
    const alpha = data[from + channels - 1];
    for (let c = 0; c < 3; c++) {
      const colour = data[from + c * step];
      out[to++] = rule === "drop" ? colour : mixed(colour, alpha, rule[c]);
    }
  }
  return makeImage([height, width, 3], out);
}
