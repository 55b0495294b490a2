/** @file Which patches of images are hidden, drawn on the device from a step's key. */

import { OcelliError } from "../../errors.ts";
import {
  type Spec,
  type Tensor,
  add,
  argSort,
  broadcastInDim,
  convert,
  floor,
  less,
  mul,
  select,
  splitKey,
  uniform,
  reshape,
} from "../../graph/index.ts";
import type { ImageModel } from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import { toFlat } from "../../tree.ts";

/** The patches that a model makes of an image. */
export interface PatchGrid {
  readonly grid: readonly [rows: number, columns: number];
  /** Their extents in pixels. */
  readonly size: readonly [height: number, width: number];
}

/**
 * The patches that a model makes of images of a spec.
 *
 * @throws a configuration error for a model that does not see patches, or cannot leave some out
 */
export function gridOf(name: string, model: ImageModel, image: Spec): PatchGrid {
  let grid: readonly number[] = [];
  const hides = (given: Spec): boolean => {
    let found = false;
    modelSpecs(
      (scope, x: Tensor, hidden: Tensor) => {
        found = Object.hasOwn(toFlat<Tensor>(model(scope, x, { hidden })[1]), "seen");
      },
      image,
      given,
    );
    return found;
  };
  modelSpecs((scope, x: Tensor) => {
    const { stem } = toFlat<Tensor>(model(scope, x)[1]) as { readonly stem?: Tensor };
    grid = stem?.rank === 4 ? stem.shape.slice(1, 3) : [];
  }, image);
  const [rows, columns] = grid;
  const [batch, height, width] = image.shape;
  const fits = grid.length === 2 && height % rows === 0 && width % columns === 0;
  if (!fits || !hides({ shape: [batch, rows * columns], dtype: "float32" })) {
    throw new OcelliError("config", `${name} hides patches, which this model cannot.`, {
      hint: "Take the model vit or beit, on images whose sides are multiples of its patch.",
    });
  }
  return { grid: [rows, columns], size: [height / rows, width / columns] };
}

/** The place of each number of a row in its order: int32 [batch, count]. */
const ranks = (noise: Tensor): Tensor => argSort(argSort(noise, 1), 1);

/** `count` patches of each image: 1 where one is hidden, float32 [batch, patches]. */
const hiddenAtRandom = (key: Tensor, shape: readonly number[], count: number): Tensor =>
  convert(less(ranks(uniform(key, shape)), count), "float32");

/**
 * SimMIM's mask: blocks of `block` × `block` patches, ⌈ratio · blocks⌉ of which are hidden.
 *
 * @throws a configuration error where blocks do not fill the grid
 */
export function hiddenBlocks(
  key: Tensor,
  batch: number,
  [rows, columns]: PatchGrid["grid"],
  block: number,
  ratio: number,
): Tensor {
  if (rows % block !== 0 || columns % block !== 0) {
    throw new OcelliError(
      "config",
      `${rows} × ${columns} patches do not fall into blocks of ${block} × ${block}.`,
    );
  }
  const [down, across] = [rows / block, columns / block];
  const count = Math.ceil(down * across * ratio - 1e-9);
  const blocks = reshape(hiddenAtRandom(key, [batch, down * across], count), [batch, down, across]);
  const spread = broadcastInDim(blocks, [batch, down, block, across, block], [0, 1, 3]);
  return reshape(spread, [batch, rows * columns]);
}

/**
 * DINOv2's choice: a part `probability` of the images has hidden patches, their parts spread evenly between two bounds and drawn
 * within their shares; the other images have none. Which patches is drawn one by one, where DINOv2 draws blocks.
 */
export function hiddenInSome(
  key: Tensor,
  [batch, patches]: readonly [number, number],
  probability: number,
  [least, most]: readonly [number, number],
): Tensor {
  const [forOrder, forRatio, forPlaces] = splitKey(key, 3);
  const chosen = Math.floor(batch * probability);
  const order = reshape(ranks(uniform(forOrder, [1, batch])), [batch]);
  const step = (most - least) / Math.max(chosen, 1);
  const ratio = add(mul(add(convert(order, "float32"), uniform(forRatio, [batch])), step), least);
  const counts = select(less(order, chosen), floor(mul(ratio, patches)), 0);
  const places = convert(ranks(uniform(forPlaces, [batch, patches])), "float32");
  return convert(less(places, broadcastInDim(counts, places.shape, [0])), "float32");
}
