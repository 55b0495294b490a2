/** @file Operations that choose, scale and move pixels. */

import type { HostArray } from "../../graph/dtype.ts";
import { OcelliError } from "../../errors.ts";
import { type AlphaRule, COLOURS, opaque } from "../alpha.ts";
import { preprocessingError } from "../error.ts";
import {
  type Box,
  type Image,
  centralBox,
  grayscale,
  imageOf,
  mirror,
  pad,
  padReflected,
  rgb,
  shift,
} from "../image.ts";
import { type Example, arrayAt } from "../example.ts";
import {
  KEYS,
  type OperationKind,
  type Region,
  imageOperation,
  keysOf,
  movingOperation,
  operation,
  ordered,
  regionOperation,
} from "../operation.ts";
import {
  MAX_SIDE,
  byDefault,
  byName,
  colour,
  extent,
  flag,
  number,
  oneOf,
  oneOfNumbers,
  optional,
  percent,
  positive,
  whole,
} from "../parameters.ts";
import type { Random } from "../../random.ts";
import { type Size, borderMove, mirrorMove, windowMove } from "../spatial.ts";
import { RESIZE_METHODS, type ResizeOptions, resize, scaledSize } from "../resize/resize.ts";

/** How to resize, by default as TensorFlow's `area` or `bilinear`. */
const resizing = (method: "area" | "bilinear", antialias: boolean) => ({
  method: byDefault(oneOf(RESIZE_METHODS), method),
  antialias: byDefault(flag, antialias),
});

const sizeOf = ({ shape: [height, width] }: Image): Size => [height, width];

/** The size at which an image's smaller side is `size`. */
function smallSize(shape: Image["shape"], size: number, round: "nearest" | "down"): Size {
  const [height, width] = shape;
  const smaller = Math.min(height, width);
  if (round === "nearest") return scaledSize(shape, size / smaller);
  const side = (pixels: number): number => Math.max(1, Math.floor((size * pixels) / smaller));
  return [side(height), side(width)];
}

/** How often a box is drawn before the whole image is taken. */
const ATTEMPTS = 100;

/** Bounds of random boxes: area in percent of the image's, and width over height. */
interface BoxBounds {
  readonly area: readonly [least: number, most: number];
  readonly ratio: readonly [least: number, most: number];
}

/**
 * A random box: a ratio and then a height, both uniform among those that the area's bounds allow.
 *
 * @see https://www.tensorflow.org/api_docs/python/tf/image/sample_distorted_bounding_box
 */
export function randomBox([h, w]: Image["shape"], { area, ratio }: BoxBounds, random: Random): Box {
  const [least, most] = area.map((percent) => (percent / 100) * h * w);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const aspect = ratio[0] + random.uniform() * (ratio[1] - ratio[0]);
    const tallest = Math.min(
      h,
      Math.floor((w + 0.5) / aspect),
      Math.round(Math.sqrt(most / aspect)),
    );
    const shortest = Math.min(tallest, Math.round(Math.sqrt(least / aspect)));
    const height = random.integer(shortest, tallest + 1);
    const width = Math.round(height * aspect);
    const pixels = height * width;
    if (pixels === 0 || pixels < least || pixels > most || width > w) continue;
    return {
      y: random.integer(0, h - height + 1),
      x: random.integer(0, w - width + 1),
      height,
      width,
    };
  }
  return { y: 0, x: 0, height: h, width: w };
}

/**
 * A random box: an area, and then a ratio that is uniform in the logarithm.
 *
 * @see https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.RandomResizedCrop.html
 */
export function logarithmicBox(
  [h, w]: Image["shape"],
  { area, ratio }: BoxBounds,
  random: Random,
): Box {
  const [low, high] = ratio.map(Math.log);
  for (let attempt = 0; attempt < 10; attempt++) {
    const pixels = ((area[0] + (area[1] - area[0]) * random.uniform()) / 100) * h * w;
    const aspect = Math.exp(low + (high - low) * random.uniform());
    const [height, width] = [
      Math.round(Math.sqrt(pixels / aspect)),
      Math.round(Math.sqrt(pixels * aspect)),
    ];
    if (height < 1 || width < 1 || height > h || width > w) continue;
    const [y, x] = [random.integer(0, h - height + 1), random.integer(0, w - width + 1)];
    return { y, x, height, width };
  }
  const aspect = Math.min(Math.max(w / h, ratio[0]), ratio[1]);
  const [height, width] =
    aspect > w / h ? [Math.round(w / aspect), w] : [h, Math.round(h * aspect)];
  return centralBox([h, w, 1], Math.max(1, height), Math.max(1, width));
}

/** The image with `channels` channels, without alpha; bytes of a file must have been decoded by the data source. */
function decoded(array: HostArray | undefined, channels: number, alpha: AlphaRule): Image {
  if (array?.dtype === "uint8" && array.shape.length === 1) {
    throw new OcelliError("data", "decode: the image is still a file's bytes.", {
      hint: "Decode it before; the data sources do.",
    });
  }
  const image = opaque(imageOf("decode", array), alpha);
  return channels === 1 ? grayscale(image) : rgb(image);
}

/** The operation that stands for decoding. */
const decoding = (decodes: "exact" | "fast"): OperationKind =>
  operation(
    {
      channels: byDefault(oneOfNumbers([1, 3]), 3),
      precise: byDefault(flag, false),
      background: byName(optional(colour)),
      alpha: byName(byDefault(oneOf(["composite", "drop"]), "composite")),
      ...KEYS,
    },
    ({ channels, background, alpha: kind, ...keys }, name) => {
      const { from, to } = keysOf(keys, "image");
      if (kind === "drop" && background !== null) {
        throw preprocessingError(`${name}: alpha=drop leaves no background to be seen; give one.`);
      }
      const alpha = kind === "drop" ? kind : (background ?? COLOURS.white);
      const host = (example: Example) => ({
        ...example,
        [to]: decoded(arrayAt(example, from, name), channels, alpha),
      });
      if (from !== "image") return { host };
      return to === "image" && channels === 3 ? { host, decodes, alpha } : { host, alpha };
    },
  );

/** The whole image, to be scaled to a size. */
const scaled = (
  [height, width]: Image["shape"],
  size: readonly [height: number, width: number],
  options: ResizeOptions,
): Region => ({
  box: { y: 0, x: 0, height, width },
  size,
  finish: (image, inside, window) => resize(image, size, { ...options, box: inside, window }),
});

/** Operations that choose, scale and move pixels. */
export const geometry: Readonly<Record<string, OperationKind>> = {
  /**
   * The decoded image with 3 channels or 1; JPEG is decoded by the exact integer transform, so that `precise` makes no
   * difference. Transparent images are laid on `background`, white unless given; `alpha=drop` leaves alpha out instead, as
   * TensorFlow and Pillow's `convert("RGB")` do. At the head of a text, with an operation behind it that cuts a part out, only that part is decoded.
   */
  decode: decoding("exact"),
  /**
   * `decode`, but a JPEG is decoded at a half, a quarter or an eighth where the operation behind it (`resize`,
   * `resize_small`, `resize_long`, `inception_crop`) makes it at least as small.
   */
  fast_decode: decoding("fast"),
  /** Scales the image to a square or to (height, width). */
  resize: regionOperation(
    { size: extent, ...resizing("bilinear", false) },
    ({ size, ...options }) =>
      (shape) =>
        scaled(shape, size, options),
  ),
  /** Scales the smaller side to a size, keeping the aspect ratio; the other is rounded, or cut off ("down") as in torchvision. */
  resize_small: regionOperation(
    {
      smaller_size: whole(1, MAX_SIDE),
      ...resizing("area", false),
      round: byDefault(oneOf<"nearest" | "down">(["nearest", "down"]), "nearest"),
    },
    ({ smaller_size: size, round, ...options }) =>
      (shape) =>
        scaled(shape, smallSize(shape, size, round), options),
  ),
  /** Scales the longer side to a size, keeping the aspect ratio. */
  resize_long: regionOperation(
    { longer_size: whole(1, MAX_SIDE), ...resizing("area", true) },
    ({ longer_size: size, ...options }) =>
      (shape) =>
        scaled(shape, scaledSize(shape, size / Math.max(shape[0], shape[1])), options),
  ),
  /** Cuts the middle out: a size, or the largest square. */
  central_crop: regionOperation(
    { crop_size: optional(extent) },
    ({ crop_size: size }) =>
      (shape) => {
        const side = Math.min(shape[0], shape[1]);
        const [height, width] = size ?? [side, side];
        return { box: centralBox(shape, height, width), finish: (part) => part };
      },
  ),
  /** Cuts a box of a size out at a random place. */
  random_crop: regionOperation(
    { crop_size: extent },
    ({ crop_size: [height, width] }) =>
      ([h, w], random) => {
        const place = (space: number): number => (space > 0 ? random.integer(0, space + 1) : 0);
        const box = { y: place(h - height), x: place(w - width), height, width };
        return { box, finish: (part) => part };
      },
  ),
  /** Cuts out a random box of `area_min` to `area_max` percent and scales it to a size (Szegedy et al. 2015). */
  inception_crop: regionOperation(
    {
      size: optional(extent),
      area_min: byDefault(percent, 5),
      area_max: byDefault(percent, 100),
      ...resizing("bilinear", false),
      ratio_min: byDefault(positive, 3 / 4),
      ratio_max: byDefault(positive, 4 / 3),
    },
    (args) => {
      const bounds: BoxBounds = {
        area: ordered("area", args.area_min, args.area_max),
        ratio: ordered("ratio", args.ratio_min, args.ratio_max),
      };
      const { size } = args;
      return (shape, random) => ({
        box: randomBox(shape, bounds, random),
        size: size ?? undefined,
        finish: (part, inside, window) =>
          size ? resize(part, size, { ...args, box: inside, window }) : part,
      });
    },
  ),
  /**
   * Cuts out a random box of `area_min` to `area_max` percent, its ratio uniform in the logarithm, and scales it to a size, as
   * torchvision's RandomResizedCrop; after ten boxes that do not fit, the middle of a ratio that is allowed.
   */
  random_resized_crop: regionOperation(
    {
      size: extent,
      area_min: byDefault(percent, 8),
      area_max: byDefault(percent, 100),
      ratio_min: byDefault(positive, 3 / 4),
      ratio_max: byDefault(positive, 4 / 3),
      method: byDefault(oneOf(RESIZE_METHODS), "pil_bilinear"),
    },
    ({ size, method, ...args }) => {
      const bounds: BoxBounds = {
        area: ordered("area", args.area_min, args.area_max),
        ratio: ordered("ratio", args.ratio_min, args.ratio_max),
      };
      return (shape, random) => ({
        box: logarithmicBox(shape, bounds, random),
        size,
        finish: (part, inside, window) =>
          resize(part, size, { method, antialias: true, box: inside, window }),
      });
    },
  ),
  /** Mirrors the image left to right, half of the time. */
  flip_lr: movingOperation(
    {},
    () => (image, random) =>
      random.uniform() < 0.5
        ? { image: mirror(image), moves: [mirrorMove(sizeOf(image))] }
        : { image, moves: [] },
  ),
  /** Adds a border of one value, or of the image mirrored at its edges. */
  pad: movingOperation(
    {
      pixels: whole(1, MAX_SIDE),
      value: byDefault(number(), 0),
      mode: byDefault(oneOf(["constant", "reflect"]), "constant"),
    },
    ({ pixels, value, mode }) => {
      const border = { top: pixels, bottom: pixels, left: pixels, right: pixels };
      return (image) => ({
        image: mode === "reflect" ? padReflected(image, pixels) : pad(image, border, value),
        moves: [borderMove(sizeOf(image), border, mode === "reflect")],
      });
    },
  ),
  /** Moves the image by up to `pixels` in each direction, filling with zeros. */
  random_shift: movingOperation({ pixels: whole(1, MAX_SIDE) }, ({ pixels }) => (image, random) => {
    const dy = random.integer(-pixels, pixels + 1);
    const dx = random.integer(-pixels, pixels + 1);
    const [height, width] = sizeOf(image);
    const move = windowMove([height, width], { y: -dy, x: -dx, height, width });
    return { image: shift(image, dy, dx), moves: [move] };
  }),
  /** Turns red, green and blue into one channel of luma; an image of one channel stays as it is. */
  grayscale: imageOperation({}, () => grayscale),
  /** Makes three channels: of one by repeating it, of four by leaving the last out. */
  rgb: imageOperation({}, () => rgb),
};
