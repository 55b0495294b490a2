/**
 * @file Operations that make patches of pictures in any aspect ratio, at most so many to a picture (NaFlex).
 *
 * @see https://github.com/google-research/big_vision (`pp/proj/image_text/ops_naflex.py`)
 */

import { OcelliError } from "../../errors.ts";
import { type HostArray, hostArray } from "../../graph/dtype.ts";
import { preprocessingError } from "../error.ts";
import { type Example, arrayAt } from "../example.ts";
import { type Image, centralBox, imageOf, makeImage } from "../image.ts";
import { type OperationKind, operation, regionOperation } from "../operation.ts";
import {
  MAX_SIDE,
  byDefault,
  byName,
  flag,
  number,
  oneOf,
  optional,
  whole,
} from "../parameters.ts";
import { type ResizeOptions, resize } from "../resize/resize.ts";

const { fround } = Math;

/** How a size is found. */
export interface SequenceRule {
  readonly patch: number;
  /** The most patches. */
  readonly length: number;
  /** Whether sides are whole numbers of patches. */
  readonly divisible: boolean;
  /** How near the bounds of the search come to each other. */
  readonly eps: number;
}

/** The largest factor that is tried. */
const LARGEST = 100;

/**
 * The size [height, width] nearest in aspect ratio that makes as many patches as are allowed: a binary search of the
 * factor, in float32. Sides are rounded up to whole patches, at least one; small images are enlarged.
 *
 * @throws a data error where no factor that is tried makes few enough, or many enough, patches
 */
export function sequenceSize(
  [height, width]: readonly [number, number],
  { patch, length, divisible, eps }: SequenceRule,
): readonly [height: number, width: number] {
  const side = (pixels: number, ratio: number): number => {
    const exact = fround(pixels * ratio);
    const rounded = divisible ? patch * Math.ceil(fround(exact / patch)) : exact;
    return Math.floor(Math.max(rounded, patch));
  };
  const sizeAt = (ratio: number) => [side(height, ratio), side(width, ratio)] as const;
  let [low, high] = [fround(eps / 10), LARGEST];
  while (fround(high - low) >= fround(eps)) {
    const middle = fround(fround(low + high) / 2);
    if (middle === low || middle === high) break; // float32 goes no further
    const [h, w] = sizeAt(middle);
    if ((h / patch) * (w / patch) <= length) low = middle;
    else high = middle;
  }
  if (low > eps && low < LARGEST) return sizeAt(low);
  throw new OcelliError(
    "data",
    `an image of ${height}×${width} pixels cannot be made of at most ${length} patches of ${patch}.`,
    { given: [height, width] },
  );
}

const rule = {
  patch_size: whole(1, MAX_SIDE),
  max_sequence_len: whole(1, 1 << 20),
  divisible_by_patch: byDefault(flag, true),
  eps: byDefault(number(1e-9, 1), 1e-5),
};

type RuleArguments = {
  readonly patch_size: number;
  readonly max_sequence_len: number;
  readonly divisible_by_patch: boolean;
  readonly eps: number;
};

const ruleOf = (args: RuleArguments): SequenceRule => ({
  patch: args.patch_size,
  length: args.max_sequence_len,
  divisible: args.divisible_by_patch,
  eps: args.eps,
});

/** Bytes as float32, which TensorFlow's scaling of an image gives. */
const floats = ({ shape, data }: Image): Image => makeImage(shape, Float32Array.from(data));

/** Patches row by row, [patches, rows · columns · channels] of each patch, and their places. */
function patchesOf(
  { shape: [height, width, channels], data }: Image,
  side: number,
  length: number | null,
) {
  const [rows, columns] = [Math.floor(height / side), Math.floor(width / side)];
  const count = rows * columns;
  if (length !== null && count > length) {
    throw new OcelliError(
      "data",
      `patchify: the image makes ${count} patches of ${side} pixels, more than ${length}.`,
      { hint: "Put resize_to_sequence before." },
    );
  }
  const total = length ?? count;
  const numbers = side * side * channels;
  const pixels = new Float32Array(total * numbers);
  const [type, yidx, xidx] = [0, 1, 2].map(() => new Int32Array(total));
  for (let patch = 0; patch < count; patch++) {
    const [y, x] = [Math.floor(patch / columns), patch % columns];
    [type[patch], yidx[patch], xidx[patch]] = [1, y, x];
    for (let row = 0; row < side; row++) {
      const from = ((y * side + row) * width + x * side) * channels;
      const to = patch * numbers + row * side * channels;
      pixels.set(data.subarray(from, from + side * channels), to);
    }
  }
  const places = (values: Int32Array<ArrayBuffer>): HostArray =>
    hostArray([total], "int32", values);
  return {
    image: hostArray([total, numbers], "float32", pixels),
    type: places(type),
    yidx: places(yidx),
    xidx: places(xidx),
  };
}

/** Operations that make patches of pictures. */
export const sequence: Readonly<Record<string, OperationKind>> = {
  /**
   * Scales the image so that it makes at most `max_sequence_len` patches, and as many as it can, its aspect ratio kept as
   * nearly as whole patches allow; the values are float32, those of Pillow's methods bytes.
   */
  resize_to_sequence: regionOperation(
    {
      ...rule,
      method: byName(byDefault(oneOf(["bilinear", "pil_bilinear"] as const), "bilinear")),
    },
    ({ method, ...args }) =>
      ([height, width]) => {
        const size = sequenceSize([height, width], ruleOf(args));
        const options: ResizeOptions = { method, antialias: true };
        return {
          box: { y: 0, x: 0, height, width },
          size,
          finish: (image, inside, window) => {
            const source = method === "bilinear" ? floats(image) : image;
            return resize(source, size, { ...options, box: inside, window });
          },
        };
      },
  ),
  /** Cuts the middle out that makes as many patches as `max_sequence_len` allows. */
  central_crop_to_sequence: regionOperation(rule, (args) => (shape) => {
    const [height, width] = sequenceSize([shape[0], shape[1]], ruleOf(args));
    return { box: centralBox(shape, height, width), finish: (part) => part };
  }),
  /**
   * The image as patches, float32 [patches, rows · columns · channels], beside `type`, 1 for each, and `yidx` and `xidx`,
   * their places. With `max_sequence_len` they are filled up with zeros to so many.
   */
  patchify: operation(
    { patch_size: whole(1, MAX_SIDE), max_sequence_len: optional(whole(1, 1 << 20)) },
    ({ patch_size: side, max_sequence_len: length }, name) => ({
      host: (example: Example) => {
        for (const field of ["type", "yidx", "xidx"]) {
          if (Object.hasOwn(example, field)) {
            throw preprocessingError(`${name}: the example has a field "${field}" already.`);
          }
        }
        const image = imageOf(name, arrayAt(example, "image", name));
        return { ...example, ...patchesOf(image, side, length) };
      },
      fields: (fields) => ({
        ...fields,
        ...{ image: "array", type: "array", yidx: "array", xidx: "array" },
      }),
    }),
  ),
};
