/** @file Factors, addends and sums for each channel of images in blocks: one pass over the image each. */

import { sizeOf } from "../../../../graph/dtype.ts";
import { type FineAxes, fineAxes, imageOf, viewOfImage } from "./blocked.ts";
import type { GraphBuilder } from "../builder.ts";
import { BLOCKED, type BlockedImage } from "./planes.ts";
import { rowMajor } from "../realise.ts";
import { type Dense, type View, dropAxes, heldSize, reshapeView, viewOf } from "../view.ts";

/** A view that is the same all over each image, as one number for each channel of each image: [batch · channels]. */
function perChannel(
  builder: GraphBuilder,
  view: View,
  { image }: BlockedImage,
  { shape, spatial }: FineAxes,
): Dense | undefined {
  const split = heldSize(view) > 1 ? reshapeView(view, shape) : undefined;
  if (!split || spatial.some((axis) => split.strides[axis] !== 0)) return undefined;
  const [batch, channels] = image.shape;
  return builder.reshape(rowMajor(builder, dropAxes(split, spatial)), [batch * channels]);
}

/** One number for each channel of each image. */
const repeated = (builder: GraphBuilder, value: number, { shape: [batch, channels] }: Dense) =>
  builder.expand(builder.reshape(builder.scalar(value, "float32"), [1]), [batch * channels]);

/** An image times a factor and plus an addend for each channel of each image: a convolution with one tap. */
function affine(builder: GraphBuilder, image: Dense, factor: Dense, addend?: Dense): Dense {
  const [batch, channels, height, width] = image.shape;
  const all = batch * channels;
  const shape = [1, all, 1, height * width];
  const operands = [builder.reshape(image, shape), builder.reshape(factor, [all, 1, 1, 1])];
  const made = builder.op("Conv", addend ? [...operands, addend] : operands, {
    shape,
    dtype: image.dtype,
    domain: BLOCKED,
    attributes: { kernel_shape: { ints: [1, 1] }, group: { i: all } },
  });
  return builder.reshape(made, image.shape);
}

/** Of two views, an image in blocks and what is one number for each of its channels. */
function imageAndChannels(builder: GraphBuilder, views: readonly [View, View]) {
  for (const at of [0, 1] as const) {
    const image = imageOf(builder, views[at]);
    const fine = image && fineAxes(views[at].shape, image, builder.block);
    const channels = fine && perChannel(builder, views[1 - at], image, fine);
    if (channels) return { at, image, channels };
  }
  return undefined;
}

const inShapeOf = (view: View, { shape }: View): View => reshapeView(view, shape)!;

/** x · y where one is an image in blocks and the other a factor for each of its channels; their own factors are left. */
export function scaleChannels(builder: GraphBuilder, x: View, y: View): View | undefined {
  const plain = (view: View): View => ({ ...view, scale: 1 });
  const found = imageAndChannels(builder, [plain(x), plain(y)]);
  if (!found) return undefined;
  const { image, channels } = found;
  const made = {
    image: affine(builder, image.image, channels),
    scaled: { image: image.image, factor: channels },
  };
  return inShapeOf(viewOfImage(builder, made), x);
}

/** x + y, or x − y, where one is an image in blocks and the other an addend for each of its channels. */
export function shiftChannels(
  builder: GraphBuilder,
  x: View,
  y: View,
  opType: "Add" | "Sub",
): View | undefined {
  const signs = [1, opType === "Add" ? 1 : -1];
  const found = imageAndChannels(builder, [x, y]);
  if (!found) return undefined;
  const { at, image, channels } = found;
  const scale = [x, y][at].scale * signs[at];
  const addend = builder.scaled(channels, signs[1 - at]);
  const { image: of, factor } =
    scale === 1 && image.scaled
      ? image.scaled
      : { image: image.image, factor: repeated(builder, scale, image.image) };
  return inShapeOf(viewOfImage(builder, { image: affine(builder, of, factor, addend) }), x);
}

/**
 * An image in blocks summed over height and width, where these are among the axes to sum over: what is left to be summed.
 * Means of rows come first: sums of many elements one after the other would lose digits.
 */
export function sumOverSpace(
  builder: GraphBuilder,
  view: View,
  axes: readonly number[],
): { readonly view: View; readonly axes: readonly number[] } | undefined {
  const blocked = imageOf(builder, view);
  const fine = blocked && fineAxes(view.shape, blocked, builder.block);
  if (!fine || sizeOf(fine.spatial.map((axis) => fine.shape[axis])) === 1) return undefined;
  if (!fine.spatial.every((axis) => axes.includes(fine.parents[axis]))) return undefined;
  const { image } = blocked;
  const [batch, channels, height, width] = image.shape;
  const rows = builder.op("AveragePool", [image], {
    shape: [batch, channels, height, 1],
    dtype: image.dtype,
    domain: BLOCKED,
    attributes: { kernel_shape: { ints: [1, width] } },
  });
  const means = builder.op("GlobalAveragePool", [rows], {
    shape: [batch, channels, 1, 1],
    dtype: image.dtype,
    domain: BLOCKED,
  });
  const kept = fine.shape.map((_, axis) => axis).filter((axis) => !fine.spatial.includes(axis));
  const shape = kept.map((axis) => fine.shape[axis]);
  return {
    view: {
      ...viewOf(builder.reshape(means, shape), shape),
      scale: view.scale * height * width,
    },
    axes: kept.flatMap((axis, i) => (axes.includes(fine.parents[axis]) ? [i] : [])),
  };
}
