/** @file Position embeddings. */

import {
  type HostArray,
  type Tensor,
  broadcastTo,
  concatenate,
  cos,
  exp,
  iota,
  mul,
  reshape,
  sin,
} from "../graph/index.ts";
import { OcelliError } from "../errors.ts";
import { type Scope, normal } from "../nn/index.ts";
import { cornerMap, resizeHostGrid } from "./resize.ts";

/** Kinds of position embedding. */
export const POSEMBS = ["learn", "sincos2d"] as const;
export type Posemb = (typeof POSEMBS)[number];

const TEMPERATURE = 10_000;

type Extents = readonly [rows: number, columns: number];

/**
 * Sines and cosines of a grid's columns and rows, [1, rows · columns, width]: [sin x, cos x, sin y, cos y].
 * Chen et al. 2021 (MoCo v3), arXiv:2104.02057.
 */
export function sincos2d(rows: number, columns: number, width: number): Tensor {
  if (width % 4 !== 0 || width < 8) {
    throw new OcelliError(
      "config",
      `sincos2d needs a width of 8 or more that divides by 4, not ${width}.`,
    );
  }
  const bands = width / 4;
  const omega = exp(mul(iota([bands], "float32"), -Math.log(TEMPERATURE) / (bands - 1)));
  const shape = [rows, columns, bands];
  const angles = (axis: number): Tensor =>
    mul(iota(shape, "float32", axis), broadcastTo(omega, shape));
  const [y, x] = [angles(0), angles(1)];
  return reshape(concatenate([sin(x), cos(x), sin(y), cos(y)], 2), [1, rows * columns, width]);
}

/** Embeddings of a grid's positions in float32, [1, rows · columns, width]; "learn" owns them under a name. */
export function positionEmbedding(
  scope: Scope,
  kind: Posemb,
  [rows, columns]: readonly [number, number],
  width: number,
  name = "pos_embedding",
): Tensor {
  if (kind === "sincos2d") return sincos2d(rows, columns, width);
  return scope.param(name, normal(1 / Math.sqrt(width)), [1, rows * columns, width]);
}

/**
 * Trained position embeddings [1, n², width] for a grid of another size, by linear interpolation with the corners
 * kept in place: how a vision transformer's weights are taken to another resolution. Dosovitskiy et al. 2021,
 * Section 3.2.
 *
 * @param grid rows and columns of the new grid
 * @param from those of the old one; it is square unless given
 * @throws a shape error where the old grid does not have as many positions
 */
export function resamplePosemb(
  positions: HostArray,
  [rows, columns]: Extents,
  from?: Extents,
): HostArray {
  const [lead, count, width] = positions.shape;
  const side = Math.round(Math.sqrt(count));
  const [down, across] = from ?? [side, side];
  if (positions.shape.length !== 3 || lead !== 1 || down * across !== count) {
    const wanted = from
      ? `${down}×${across} grid are [1, ${down * across}`
      : "square grid are [1, n²";
    throw new OcelliError(
      "shape",
      `position embeddings of a ${wanted}, width], not [${positions.shape}].`,
      { given: positions.shape },
    );
  }
  if (rows === down && columns === across) return positions;
  const grid = { ...positions, shape: [down, across, width] };
  const resized = resizeHostGrid(grid, cornerMap(down, rows), cornerMap(across, columns));
  return { ...resized, shape: [1, rows * columns, width] };
}
