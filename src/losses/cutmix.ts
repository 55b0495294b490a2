/** @file Cutmix on the device: a box of every image comes from its partner. */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  beta,
  broadcastInDim,
  clip,
  convert,
  div,
  floor,
  greaterEqual,
  iota,
  less,
  logicalAnd,
  mul,
  roll,
  select,
  splitKey,
  sqrt,
  sub,
  uniform,
} from "../graph/index.ts";

/** A box, and what it leaves of an image; scalars on the device. */
export interface CutBox {
  /** float32 whole numbers: rows from top up to bottom, columns from left up to right. */
  readonly top: Tensor;
  readonly bottom: Tensor;
  readonly left: Tensor;
  readonly right: Tensor;
  /** The part of the pixels outside of the box, from 0 to 1. */
  readonly lambda: Tensor;
}

/**
 * The box of a step: λ ~ Beta(p, p), a box of 1 − λ of the area with the image's proportions around a uniform centre,
 * cut off at the borders; `lambda` is then what is left by pixels. Yun et al. 2019, arXiv:1905.04899.
 *
 * @see https://github.com/huggingface/pytorch-image-models (`timm/data/mixup.py`, `rand_bbox`)
 */
export function cutmixBox(key: Tensor, p: number, height: number, width: number): CutBox {
  if (!(p > 0)) throw new OcelliError("argument", `cutmix's p must be above 0, not ${p}.`);
  const [forSize, forRow, forColumn] = splitKey(key, 3);
  const ratio = sqrt(sub(1, beta(forSize, p, p)));
  const span = (forCentre: Tensor, extent: number) => {
    const half = floor(mul(floor(mul(ratio, extent)), 0.5));
    const centre = floor(mul(uniform(forCentre, []), extent));
    return [clip(sub(centre, half), 0, extent), clip(add(centre, half), 0, extent)] as const;
  };
  const [top, bottom] = span(forRow, height);
  const [left, right] = span(forColumn, width);
  const area = mul(sub(bottom, top), sub(right, left));
  return { top, bottom, left, right, lambda: sub(1, div(area, height * width)) };
}

/** Images [batch, height, width, channels] with the box taken from the image before, cyclically. */
export function cut(images: Tensor, { top, bottom, left, right }: CutBox): Tensor {
  const within = (axis: number, from: Tensor, to: Tensor): Tensor => {
    const at = convert(iota(images.shape, "int32", axis), "float32");
    const bound = (value: Tensor) => broadcastInDim(value, images.shape, []);
    return logicalAnd(greaterEqual(at, bound(from)), less(at, bound(to)));
  };
  const inside = logicalAnd(within(1, top, bottom), within(2, left, right));
  return select(inside, roll(images, 1, 0), images);
}
