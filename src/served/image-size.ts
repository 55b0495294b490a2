/** @file How large the images of a source are, by some of them. */

import { decodeImage } from "../data/decode/decode.ts";
import type { Source } from "../data/source.ts";
import { isEncoded } from "../data/stream/examples.ts";
import { OcelliError } from "../errors.ts";

/** How many images are looked at for their size. */
const LOOKED_AT = 25;

/** The shape of an image of median area among some that can be read. @throws a data error where none can */
export async function imageSize(source: Source): Promise<{ height: number; width: number }> {
  const shapes: (readonly number[])[] = [];
  const count = Math.min(LOOKED_AT, source.length);
  for (let i = 0; i < count; i++) {
    const example = await source.read(Math.floor((i * source.length) / count));
    const decoded = isEncoded(example)
      ? await decodeImage(example.image.data as Uint8Array).catch(() => undefined)
      : example.image;
    if (decoded) shapes.push(decoded.shape);
  }
  if (shapes.length === 0) throw new OcelliError("data", "no image to learn from can be read.");
  shapes.sort(([h1, w1], [h2, w2]) => h1 * w1 - h2 * w2);
  const [height, width] = shapes[Math.floor(shapes.length / 2)];
  return { height, width };
}
