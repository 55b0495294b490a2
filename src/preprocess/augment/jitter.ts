/** @file Colour jitter. */

import type { ByteImage } from "../image.ts";
import type { Random } from "../../random.ts";
import { brightness, contrast, meanLuma, saturation, turnHue } from "./colour.ts";

/** How far each property may move: factors from max(0, 1 − x) to 1 + x; hue in parts of the circle. */
export interface Jitter {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly hue: number;
}

/** Changes brightness, contrast, saturation and hue by random amounts in random order. */
export function colourJitter(image: ByteImage, jitter: Jitter, random: Random): ByteImage {
  const factor = (x: number): number => {
    const low = Math.max(0, 1 - x);
    return low + random.uniform() * (1 + x - low);
  };
  const steps: ((it: ByteImage) => ByteImage)[] = [];
  if (jitter.brightness > 0) steps.push((it) => brightness(it, factor(jitter.brightness)));
  if (jitter.contrast > 0) steps.push((it) => contrast(it, factor(jitter.contrast), meanLuma(it)));
  if (jitter.saturation > 0) steps.push((it) => saturation(it, factor(jitter.saturation)));
  if (jitter.hue > 0) steps.push((it) => turnHue(it, (2 * random.uniform() - 1) * jitter.hue));
  for (let i = steps.length - 1; i > 0; i--) {
    const j = random.integer(0, i + 1);
    [steps[i], steps[j]] = [steps[j], steps[i]];
  }
  return steps.reduce((it, step) => step(it), image);
}
