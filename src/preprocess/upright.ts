/** @file Pictures turned upright. */

import { type ByteImage, makeImage } from "./image.ts";

/** An image turned as EXIF's orientation says: 1 as it is, 3 half around, 6 a quarter clockwise, 8 a quarter back; others mirrored. */
export function upright(image: ByteImage, orientation: number): ByteImage {
  if (orientation <= 1 || orientation > 8) return image;
  const [height, width, channels] = image.shape;
  const turned = orientation >= 5; // rows become columns
  const [rows, columns] = turned ? [width, height] : [height, width];
  const out = new Uint8Array(image.data.length);
  const flipX = [2, 3, 6, 7].includes(orientation);
  const flipY = [3, 4, 7, 8].includes(orientation);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const across = flipX ? columns - 1 - x : x;
      const down = flipY ? rows - 1 - y : y;
      const from = (turned ? across * width + down : down * width + across) * channels;
      const to = (y * columns + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = image.data[from + c];
    }
  }
  return makeImage([rows, columns, channels], out);
}
