/** @file Colours of the classes of a map. */

import { type HostArray, hostArray } from "../graph/index.ts";
import type { Colour } from "../preprocess/alpha.ts";

/**
 * The colour of a class in Pascal VOC's maps: bit 7 − k of red, green and blue are bits 3k, 3k + 1 and 3k + 2 of the
 * class. Class 0 is black, and 255, which means no class, is near white.
 *
 * @see Everingham et al. 2010, "The Pascal Visual Object Classes Challenge" (the colour map of its development kit)
 */
export function classColour(value: number): Colour {
  const channel = (offset: number): number => {
    let bits = 0;
    for (let k = 0; k < 8; k++) bits |= ((value >> (3 * k + offset)) & 1) << (7 - k);
    return bits;
  };
  return [channel(0), channel(1), channel(2)];
}

/** A map [height, width] as a picture, uint8 [height, width, 3]. */
export function colourMap({ shape, data }: HostArray): HostArray {
  const colours = Array.from({ length: 256 }, (_, value) => classColour(value));
  const pixels = new Uint8Array(data.length * 3);
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    pixels.set(colours[value] ?? classColour(value), 3 * i);
  }
  return hostArray([...shape, 3], "uint8", pixels);
}

/** A colour as CSS has it, such as `#800000`. */
export const hexColour = (colour: Colour): string =>
  `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
