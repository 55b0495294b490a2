/** @file Images of a batch as floats. */

import { type Tensor, add, convert, mul } from "../graph/index.ts";

/** uint8 pixels moved to [low, high] in float32; floats are taken as they are. */
export function toValueRange(image: Tensor, [low, high]: readonly [number, number]): Tensor {
  if (image.dtype !== "uint8") return image;
  return add(mul(convert(image, "float32"), (high - low) / 255), low);
}
