/** @file One composite: cut-outs laid on a background, with the exact map of what is where. */

import { type ByteImage, makeImage } from "../../preprocess/image.ts";
import type { Random } from "../../random.ts";
import type { Cutout } from "./cutout.ts";

/** A cut-out in its place. */
export interface Placed {
  readonly cutout: Cutout;
  /** Its class in the map. */
  readonly value: number;
  /** The middle, in pixels. */
  readonly y: number;
  readonly x: number;
  /** Its longer side, in pixels. */
  readonly side: number;
  /** How far it is turned, in radians. */
  readonly angle: number;
  readonly mirrored: boolean;
  /** What its colours are multiplied by, from 0 to 1. */
  readonly tint: readonly [number, number, number];
}

/** A random place for a cut-out in a square image. */
export function placeCutout(cutout: Cutout, value: number, size: number, random: Random): Placed {
  const between = (low: number, high: number): number => low + random.uniform() * (high - low);
  const side = between(0.25, 0.6) * size;
  return {
    ...{ cutout, value, side },
    y: between(0.15, 0.85) * size,
    x: between(0.15, 0.85) * size,
    angle: between(-0.5, 0.5),
    mirrored: random.uniform() < 0.5,
    tint: cutout.plain ? [random.uniform(), random.uniform(), random.uniform()] : [1, 1, 1],
  };
}

/** Samples along each side of a pixel. */
const SAMPLES = 2;

/**
 * Lays cut-outs on a background one after the other. A pixel is of a cut-out where that covers at least half of it.
 *
 * @returns the image, and the map, uint8 of height · width
 */
export function compose(
  background: ByteImage,
  placed: readonly Placed[],
): { readonly image: ByteImage; readonly map: Uint8Array } {
  const [height, width] = background.shape;
  const data = background.data.slice();
  const map = new Uint8Array(height * width);
  for (const one of placed) {
    const reach = one.side * Math.SQRT1_2 + 1;
    const rows = range(one.y - reach, one.y + reach, height);
    const columns = range(one.x - reach, one.x + reach, width);
    for (let row = rows[0]; row < rows[1]; row++) {
      for (let column = columns[0]; column < columns[1]; column++) {
        const [red, green, blue, alpha] = colourAt(one, row, column);
        if (alpha === 0) continue;
        const at = row * width + column;
        [red, green, blue].forEach((colour, channel) => {
          const behind = data[3 * at + channel];
          data[3 * at + channel] = Math.round(colour * one.tint[channel] + (1 - alpha) * behind);
        });
        if (alpha >= 0.5) map[at] = one.value;
      }
    }
  }
  return { image: makeImage(background.shape, data), map };
}

/** Whole numbers around an interval, within an extent. */
const range = (low: number, high: number, extent: number): [number, number] => [
  Math.max(0, Math.floor(low)),
  Math.min(extent, Math.ceil(high)),
];

/** What a cut-out shows in a pixel of the image: colours times alpha, and alpha from 0 to 1. */
function colourAt(placed: Placed, row: number, column: number): readonly number[] {
  const { cutout, y, x, side, angle, mirrored } = placed;
  const { height, width, pixels } = cutout;
  const scale = Math.max(height, width) / side;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < SAMPLES * SAMPLES; i++) {
    const dx = column + ((i % SAMPLES) + 0.5) / SAMPLES - x;
    const dy = row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES - y;
    const across = (cos * dx + sin * dy) * scale * (mirrored ? -1 : 1);
    const u = Math.floor(across + width / 2);
    const v = Math.floor((cos * dy - sin * dx) * scale + height / 2);
    if (u < 0 || u >= width || v < 0 || v >= height) continue;
    const at = 4 * (v * width + u);
    const alpha = pixels[at + 3] / 255;
    for (let k = 0; k < 3; k++) sums[k] += pixels[at + k] * alpha;
    sums[3] += alpha;
  }
  return sums.map((sum) => sum / SAMPLES ** 2);
}

/** Waves of a pattern. */
const WAVES = 5;

/** A pattern to lay cut-outs on where there are no photographs: waves of several colours, with noise. */
export function drawPattern(size: number, random: Random): ByteImage {
  const waves = Array.from({ length: WAVES }, () => ({
    along: (random.uniform() - 0.5) * 0.6,
    down: (random.uniform() - 0.5) * 0.6,
    phase: random.uniform() * 2 * Math.PI,
    colour: [random.uniform() - 0.5, random.uniform() - 0.5, random.uniform() - 0.5],
  }));
  const base = [random.uniform(), random.uniform(), random.uniform()].map((x) => 60 + 135 * x);
  const data = new Uint8Array(size * size * 3);
  for (let row = 0, to = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const heights = waves.map(({ along, down, phase }) =>
        Math.sin(along * column + down * row + phase),
      );
      const noise = 24 * (random.uniform() - 0.5);
      for (let k = 0; k < 3; k++, to++) {
        const lift = waves.reduce((sum, { colour }, i) => sum + colour[k] * heights[i], 0);
        data[to] = Math.min(255, Math.max(0, Math.round(base[k] + 70 * lift + noise)));
      }
    }
  }
  return makeImage([size, size, 3], data);
}
