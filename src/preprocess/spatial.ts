/** @file Moving what lies on an image with it: maps, boxes and points go where the pixels go. */

import { OcelliError } from "../errors.ts";
import { type HostArray, hostArray, typedArray } from "../graph/dtype.ts";
import { type Example, type FieldKind, type Fields, NO_CLASS } from "./example.ts";
import { type Border, type Box, mirroredIndex } from "./image.ts";

/** Height and width. */
export type Size = readonly [height: number, width: number];

/** How an operation moves what lies on an image. */
export interface Move {
  /** Of the image before and after it. */
  readonly from: Size;
  readonly to: Size;
  /** Where a place goes, in pixels from the top left corner of the image. */
  readonly place: (y: number, x: number) => readonly [y: number, x: number];
  /** The pixel before it, `row · width + column`, that a pixel after it shows; -1 for one from outside. */
  readonly shows: (row: number, column: number) => number;
  /** Whether boxes are cut off at the edges of the image. */
  readonly cuts: boolean;
}

/** Looks at a window of the image, which may reach beyond it: crops, borders and shifts. */
export const windowMove = ([h, w]: Size, { y, x, height, width }: Box): Move => ({
  ...{ from: [h, w], to: [height, width], cuts: true },
  place: (py, px) => [py - y, px - x],
  shows(row, column) {
    const [r, c] = [row + y, column + x];
    return r >= 0 && r < h && c >= 0 && c < w ? r * w + c : -1;
  },
});

/**
 * Scales the image; a pixel of a map is the one at ⌊i · from / to⌋, as torchvision's `resize` of a mask and PyTorch's
 * `interpolate` take it.
 */
const scaleMove = ([h, w]: Size, [height, width]: Size): Move => ({
  ...{ from: [h, w], to: [height, width], cuts: false },
  place: (y, x) => [(y * height) / h, (x * width) / w],
  shows: (row, column) =>
    Math.min(Math.floor((row * h) / height), h - 1) * w +
    Math.min(Math.floor((column * w) / width), w - 1),
});

/** Mirrors the image left to right. */
export const mirrorMove = ([h, w]: Size): Move => ({
  ...{ from: [h, w], to: [h, w], cuts: false },
  place: (y, x) => [y, w - x],
  shows: (row, column) => row * w + (w - 1 - column),
});

/** Adds a border. With `mirrors` it mirrors the image without repeating its outermost pixels. */
export function borderMove([h, w]: Size, border: Border, mirrors: boolean): Move {
  const { top, bottom, left, right } = border;
  const box = { y: -top, x: -left, height: h + top + bottom, width: w + left + right };
  if (!mirrors) return windowMove([h, w], box);
  return {
    ...windowMove([h, w], box),
    shows: (row, column) => mirroredIndex(row - top, h) * w + mirroredIndex(column - left, w),
  };
}

/** Pixel (x, y) after it shows pixel (a x + b y + c, d x + e y + f) before it. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Warps the image by the nearest pixel. */
export function warpMove([h, w]: Size, [a, b, c, d, e, f]: Affine): Move {
  const determinant = a * e - b * d;
  return {
    ...{ from: [h, w], to: [h, w], cuts: true },
    place(y, x) {
      const [px, py] = [x - 0.5 - c, y - 0.5 - f]; // pixels are counted from their centres
      return [(a * py - d * px) / determinant + 0.5, (e * px - b * py) / determinant + 0.5];
    },
    shows(row, column) {
      const [x, y] = [Math.round(a * column + b * row + c), Math.round(d * column + e * row + f)];
      return x >= 0 && x < w && y >= 0 && y < h ? y * w + x : -1;
    },
  };
}

/** A part of an image that is cut out, and the size that it is scaled to. */
export interface Step {
  readonly box: Box;
  readonly size: Size;
}

/** How steps one after the other move what lies on an image of a shape. */
export function movesOf([height, width]: readonly number[], steps: readonly Step[]): Move[] {
  let size: Size = [height, width];
  return steps.flatMap(({ box, size: to }) => {
    const cut = windowMove(size, box);
    const isScaled = to[0] !== box.height || to[1] !== box.width;
    size = to;
    return isScaled ? [cut, scaleMove(cut.to, to)] : [cut];
  });
}

const MOVED: Readonly<
  Partial<Record<FieldKind, (field: string, array: HostArray, move: Move) => HostArray>>
> = { map: moveMap, boxes: moveBoxes, points: movePoints };

/** The fields of an example that lie on its image. */
export const fieldsOnImage = (example: Example, fields: Fields): string[] =>
  Object.keys(fields).filter((field) => Object.hasOwn(example, field) && MOVED[fields[field]]);

/** An example whose maps, boxes and points went through moves one after the other. */
export function moveFields(example: Example, fields: Fields, moves: readonly Move[]): Example {
  const names = moves.length > 0 ? fieldsOnImage(example, fields) : [];
  if (names.length === 0) return example;
  const moved = names.map((name) => {
    const move = MOVED[fields[name]]!;
    return [name, moves.reduce((array, one) => move(name, array, one), example[name])] as const;
  });
  return { ...example, ...Object.fromEntries(moved) };
}

function moveMap(field: string, map: HostArray, { from, to, shows }: Move): HostArray {
  if (map.shape.length !== 2 || map.shape[0] !== from[0] || map.shape[1] !== from[1]) {
    throw new OcelliError(
      "data",
      `the map "${field}" is of ${map.shape.join("×")} pixels, its image of ${from.join("×")}.`,
      { hint: "Maps have one value for each pixel of the upright image." },
    );
  }
  const [height, width] = to;
  const out = typedArray(map.dtype, height * width) as Int32Array; // of whichever type, like the map
  const values = map.data as Int32Array;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      const source = shows(row, column);
      out[at] = source < 0 ? NO_CLASS : values[source];
    }
  }
  return hostArray([height, width], map.dtype, out);
}

function moveBoxes(field: string, boxes: HostArray, { to, place, cuts }: Move): HostArray {
  checkRows(field, boxes, 4);
  const out = new Float32Array(boxes.data.length);
  const within = (value: number, most: number): number =>
    cuts ? Math.min(Math.max(value, 0), most) : value;
  for (let i = 0; i < out.length; i += 4) {
    const [top, left, bottom, right] = Array.from({ length: 4 }, (_, k) => Number(boxes.data[i + k])); // prettier-ignore
    const corners = [
      place(top, left),
      place(top, right),
      place(bottom, left),
      place(bottom, right),
    ];
    const [ys, xs] = [corners.map(([y]) => y), corners.map(([, x]) => x)];
    out[i] = within(Math.min(...ys), to[0]);
    out[i + 1] = within(Math.min(...xs), to[1]);
    out[i + 2] = within(Math.max(...ys), to[0]);
    out[i + 3] = within(Math.max(...xs), to[1]);
  }
  return hostArray(boxes.shape, "float32", out);
}

function movePoints(field: string, points: HostArray, { place }: Move): HostArray {
  checkRows(field, points, 2);
  const out = new Float32Array(points.data.length);
  for (let i = 0; i < out.length; i += 2) {
    out.set(place(Number(points.data[i]), Number(points.data[i + 1])), i);
  }
  return hostArray(points.shape, "float32", out);
}

function checkRows(field: string, { shape, dtype }: HostArray, numbers: number): void {
  if (shape.length === 2 && shape[1] === numbers) return;
  throw new OcelliError(
    "data",
    `"${field}" is ${dtype}[${shape.join(",")}] where float32[…,${numbers}] is taken.`,
  );
}
