/** @file The operations of the preprocessing language, by name. */

import { convert, div, add, mul, sub } from "../graph/index.ts";
import { grayscale, shift, resizeBilinear } from "./image.ts";
import { type Features, type OperationKind, preprocessingError } from "./operation.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { Random } from "./random.ts";

/** An operation on the `image` of an example alone. */
const onImage = (fn: (image: HostArray, random: Random) => HostArray) => ({
  host: (example: Features, random: Random): Features => ({
    ...example,
    image: fn(example.image, random),
  }),
});

function positiveInteger(operation: string, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw preprocessingError(`${operation}: ${name} is a whole number above 0, not ${value}.`);
}

/** Every operation; `value_range` runs on the device, the others on the host. */
export const operations: Readonly<Record<string, OperationKind>> = {
  /** Scales the image to height × width (a square where the width is left out), bilinear. */
  resize: {
    parameters: { height: undefined, width: 0 },
    bind({ height, width }) {
      const h = positiveInteger("resize", "height", height);
      const w = width === 0 ? h : positiveInteger("resize", "width", width);
      return onImage((image) => resizeBilinear(image, h, w));
    },
  },
  /** Turns red, green and blue into one channel of luma; an image of one channel stays as it is. */
  grayscale: { parameters: {}, bind: () => onImage(grayscale) },
  /** Moves the image by up to `pixels` in each direction, filling with zeros. */
  random_shift: {
    parameters: { pixels: undefined },
    bind({ pixels }) {
      const most = positiveInteger("random_shift", "pixels", pixels);
      return onImage((image, random) =>
        shift(image, random.integer(-most, most + 1), random.integer(-most, most + 1)),
      );
    },
  },
  /** Maps [in_min, in_max] of the image to [low, high], as float32. */
  value_range: {
    parameters: { low: -1, high: 1, in_min: 0, in_max: 255 },
    bind({ low, high, in_min: from, in_max: to }) {
      if (from === to) throw preprocessingError("value_range: in_min and in_max are equal.");
      return {
        device: (batch) => {
          const unit = div(sub(convert(batch.image, "float32"), from), to - from);
          return { ...batch, image: add(mul(unit, high - low), low) };
        },
      };
    },
  },
};
