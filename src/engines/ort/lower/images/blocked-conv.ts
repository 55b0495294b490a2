/** @file Convolutions of images in blocks of channels. */

import type { Shape } from "../../../../graph/dtype.ts";
import type { ConvDimensions } from "../../../../graph/ops/conv.ts";
import type { Padding } from "../../../../graph/ops/padding.ts";
import { inBlocks, viewOfImage } from "./blocked.ts";
import type { GraphBuilder } from "../builder.ts";
import { BLOCKED } from "./planes.ts";
import { align } from "../realise.ts";
import { reshaped } from "../ops/shape.ts";
import type { Dense, View } from "../view.ts";

/**
 * A kernel [height, width, in / groups, out] in blocks of outputs, and of inputs where there are so many: to ONNX
 * [out, in / groups, height, width], in memory [out / block, in / block, height, width, in, out].
 */
function blockedKernel(builder: GraphBuilder, kernel: View): Dense {
  const { block } = builder;
  const [height, width, inputs, outputs] = kernel.shape;
  const shape = [outputs, inputs, height, width];
  if (inputs < block) {
    const split = reshaped(builder, kernel, [height, width, inputs, outputs / block, block]);
    return builder.reshape(align(builder, split, [3, 2, 0, 1, 4], "full"), shape);
  }
  const extents = [height, width, inputs / block, block, outputs / block, block];
  const split = reshaped(builder, kernel, extents);
  return builder.reshape(align(builder, split, [4, 2, 0, 1, 3, 5], "full"), shape);
}

/** Whether ONNX Runtime convolves so many inputs to so many outputs in blocks. */
function fits(block: number, inputs: number, kernel: Shape, groups: number): boolean {
  const [, , channels, features] = kernel;
  if (groups > 1 && channels === 1) return groups === features && features % block === 0;
  if ((features / groups) % block !== 0) return false;
  return channels % block === 0 || (groups === 1 && inputs < block);
}

/**
 * A convolution of views without factors in blocks: x [batch, height, width, in] undilated and padded by nothing negative.
 * Undefined where blocks do not divide the channels, or where images may not lie in blocks.
 */
export function blockedConvolution(
  builder: GraphBuilder,
  x: View,
  kernel: View,
  { strides, rhsDilation }: ConvDimensions,
  padding: readonly Padding[],
  groups: number,
  shape: Shape,
): View | undefined {
  const { block } = builder;
  const [batch, height, width, features] = shape;
  if (block === 0 || strides.length !== 2 || x.dense.dtype !== "float32") return undefined;
  if (!fits(block, x.shape[3], kernel.shape, groups)) return undefined;
  const image = x.shape[3] < block ? align(builder, x, [0, 3, 1, 2], "full") : inBlocks(builder, x);
  const made = builder.op("Conv", [image, blockedKernel(builder, kernel)], {
    shape: [batch, features, height, width],
    dtype: "float32",
    domain: BLOCKED,
    attributes: {
      kernel_shape: { ints: kernel.shape.slice(0, 2) },
      strides: { ints: strides },
      dilations: { ints: rhsDilation },
      pads: { ints: [...padding.map(([low]) => low), ...padding.map(([, high]) => high)] },
      group: { i: groups },
    },
  });
  return viewOfImage(builder, { image: made });
}
