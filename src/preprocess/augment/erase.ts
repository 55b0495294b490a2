/** @file Erasing boxes. */

import { type Box, type Image, makeImage } from "../image.ts";
import type { Random } from "../../random.ts";

/** The image with a box filled with one value; the box may reach beyond it. */
export function fillBox(image: Image, { y, x, height, width }: Box, value: number): Image {
  const [h, w, channels] = image.shape;
  const out = image.data.slice();
  const [left, right] = [Math.max(0, x), Math.min(w, x + width)];
  for (let row = Math.max(0, y); row < Math.min(h, y + height); row++) {
    out.fill(value, (row * w + left) * channels, (row * w + Math.max(left, right)) * channels);
  }
  return makeImage(image.shape, out);
}

/** Fills a square of side 2 · radius about a random pixel (DeVries & Taylor 2017). */
export function cutout(image: Image, radius: number, value: number, random: Random): Image {
  const [y, x] = [random.integer(0, image.shape[0]), random.integer(0, image.shape[1])];
  const side = 2 * radius;
  return fillBox(image, { y: y - radius, x: x - radius, height: side, width: side }, value);
}

/** Bounds of the erased box. */
export interface ErasingBounds {
  /** Percent of the image. */
  readonly area: readonly [least: number, most: number];
  /** Height over width, drawn on a logarithmic scale. */
  readonly ratio: readonly [least: number, most: number];
}

/** Fills a random box with one value; after ten boxes that do not fit, the image stays (Zhong et al. 2020). */
export function eraseRandomly(
  image: Image,
  { area, ratio }: ErasingBounds,
  value: number,
  random: Random,
): Image {
  const [h, w] = image.shape;
  const between = (low: number, high: number): number => low + random.uniform() * (high - low);
  for (let attempt = 0; attempt < 10; attempt++) {
    const pixels = (between(area[0], area[1]) / 100) * h * w;
    const aspect = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1])));
    const height = Math.round(Math.sqrt(pixels * aspect));
    const width = Math.round(Math.sqrt(pixels / aspect));
    if (height >= h || width >= w) continue;
    const y = random.integer(0, h - height + 1);
    const x = random.integer(0, w - width + 1);
    return fillBox(image, { y, x, height, width }, value);
  }
  return image;
}
