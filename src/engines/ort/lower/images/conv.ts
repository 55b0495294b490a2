/** @file Convolutions in ONNX: NHWC programs on NCHW kernels, whose results stay NCHW in memory until someone minds. */

import { type Shape, sizeOf } from "../../../../graph/dtype.ts";
import type { ConvDimensions } from "../../../../graph/ops/conv.ts";
import type { Padding } from "../../../../graph/ops/padding.ts";
import { blockedConvolution } from "./blocked-conv.ts";
import type { LoweringContext, Lowerings } from "../context.ts";
import {
  convolveByTaps,
  isKernelGradient,
  kernelGradient,
  tiledConvolution,
} from "./conv-products.ts";
import { align, ordered } from "../realise.ts";
import { filled } from "../ops/reduce.ts";
import { padView, reshaped, reversed } from "../ops/shape.ts";
import { type View, permuteView } from "../view.ts";

/** ONNX Runtime's kernels slide along up to three axes. */
const MAX_SPATIAL = 3;

/** Batch groups as feature groups: [groups · n, …, C] → [n, …, groups · C]. */
function batchGroupsAsFeatures({ builder }: LoweringContext, x: View, groups: number): View {
  const [batch, ...rest] = x.shape;
  const wide = reshaped(builder, x, [groups, batch / groups, ...rest]);
  const spatial = rest.slice(0, -1).map((_, i) => i + 2);
  const moved = permuteView(wide, [1, ...spatial, 0, rest.length + 1]);
  return reshaped(builder, moved, [batch / groups, ...rest.slice(0, -1), groups * rest.at(-1)!]);
}

const isPlain = ({ lhsDilation, featureGroups }: ConvDimensions, padding: readonly Padding[]) =>
  featureGroups === 1 &&
  lhsDilation.every((d) => d === 1) &&
  padding.every(([low, high]) => low === 0 && high === 0);

/** The input with its padding and its dilation written out. */
const padInput = (
  { builder }: LoweringContext,
  x: View,
  { padding, lhsDilation }: ConvDimensions,
): View =>
  padView(builder, x, builder.scalar(0, x.dense.dtype), {
    low: [0, ...padding.map(([low]) => low), 0],
    high: [0, ...padding.map(([, high]) => high), 0],
    interior: [0, ...lhsDilation.map((d) => d - 1), 0],
  });

/** The ONNX attributes of a convolution that both directions have. */
const windowAttributes = (
  kernel: View,
  { rhsDilation }: ConvDimensions,
  strides: readonly number[],
  padding: readonly Padding[],
  groups: number,
) => ({
  kernel_shape: { ints: kernel.shape.slice(0, rhsDilation.length) },
  strides: { ints: strides },
  dilations: { ints: rhsDilation },
  pads: { ints: [...padding.map(([low]) => low), ...padding.map(([, high]) => high)] },
  group: { i: groups },
});

/** ONNX's Conv over NCHW memory. */
function convolve(
  { builder }: LoweringContext,
  x: View,
  kernel: View,
  attrs: ConvDimensions,
  padding: readonly Padding[],
  groups: number,
  shape: Shape,
): View {
  const rank = attrs.strides.length;
  const taps = attrs.strides.map((_, i) => i);
  const order = [0, rank + 1, ...taps.map((i) => i + 1)];
  const images = align(builder, x, order, "full"); // [N, C, …]
  const filters = align(builder, kernel, [rank + 1, rank, ...taps], "full"); // [F, C / groups, k…]
  const made = builder.op("Conv", [images, filters], {
    shape: order.map((axis) => shape[axis]),
    dtype: x.dense.dtype,
    attributes: windowAttributes(kernel, attrs, attrs.strides, padding, groups),
  });
  return ordered(made, shape, order);
}

/**
 * A convolution of a dilated input as ONNX's ConvTranspose, whose strides are the dilation and whose kernel is flipped:
 * no zeros are multiplied. Undefined where its padding would be negative.
 */
function convolveTransposed(
  { builder }: LoweringContext,
  x: View,
  kernel: View,
  attrs: ConvDimensions,
  shape: Shape,
): View | undefined {
  const { strides, lhsDilation, rhsDilation } = attrs;
  const rank = strides.length;
  const reach = rhsDilation.map((d, i) => (kernel.shape[i] - 1) * d);
  const padding = attrs.padding.map(([low, high], i): Padding => [reach[i] - low, reach[i] - high]);
  // a little more at the end than the strides give is ConvTranspose's output padding
  const extra = padding.map(([, high]) => Math.max(-high, 0));
  const fits =
    strides.every((stride) => stride === 1) &&
    padding.every(([low]) => low >= 0) &&
    extra.every((n, i) => n < lhsDilation[i]);
  if (!fits) return undefined;
  const taps = strides.map((_, i) => i);
  const order = [0, rank + 1, ...taps.map((i) => i + 1)];
  const images = align(builder, x, order, "full"); // [N, C, …]
  const flipped = reversed(builder, kernel, taps);
  const filters = align(builder, flipped, [rank, rank + 1, ...taps], "full"); // [C, F, k…]
  const pads = padding.map(([low, high]): Padding => [low, Math.max(high, 0)]);
  const made = builder.op("ConvTranspose", [images, filters], {
    shape: order.map((axis) => shape[axis]),
    dtype: x.dense.dtype,
    attributes: {
      ...windowAttributes(kernel, attrs, lhsDilation, pads, 1),
      output_padding: { ints: extra },
    },
  });
  return ordered(made, shape, order);
}

/** A convolution of views without factors, by the fastest form that fits. */
function convolution(
  context: LoweringContext,
  x: View,
  kernel: View,
  attrs: ConvDimensions,
  groups: number,
  shape: Shape,
): View {
  const { lhsDilation, padding, batchGroups } = attrs;
  const rank = padding.length;
  const out = shape.slice(1, -1);
  const isDilated = lhsDilation.some((d) => d !== 1);
  const isPadded = !isDilated && padding.flat().every((amount) => amount >= 0);
  const isPointwise = sizeOf(kernel.shape.slice(0, rank)) === 1 && sizeOf(out) > 1;
  if (isDilated && isPointwise && attrs.strides.every((stride) => stride === 1)) {
    // zeros stay zeros: they are put in afterwards
    const plain = {
      ...attrs,
      lhsDilation: lhsDilation.map(() => 1),
      padding: padding.map((): Padding => [0, 0]),
    };
    const dense = [x.shape[0], ...x.shape.slice(1, -1), shape.at(-1)!];
    return padInput(context, convolution(context, x, kernel, plain, groups, dense), attrs);
  }
  const blocked = () =>
    blockedConvolution(context.builder, x, kernel, attrs, padding, groups, shape);
  const pointwise = isPointwise && isPadded ? blocked() : undefined;
  if (pointwise) return pointwise;
  if (isPlain(attrs, padding) && batchGroups === 1) {
    const tiled = tiledConvolution(context, x, kernel, attrs, out);
    if (tiled) return tiled;
  }
  const padded = () => padInput(context, x, attrs);
  if (groups === 1 && isKernelGradient(context, kernel, rank, out)) {
    return kernelGradient(context, padded(), kernel, attrs, shape);
  }
  if (x.dense.dtype !== "float32" || rank > MAX_SPATIAL) {
    return convolveByTaps(context, padded(), kernel, attrs, groups, shape);
  }
  const transposed =
    isDilated && groups === 1 ? convolveTransposed(context, x, kernel, attrs, shape) : undefined;
  if (transposed) return transposed;
  if (isPadded) return blocked() ?? convolve(context, x, kernel, attrs, padding, groups, shape);
  const none = padding.map((): Padding => [0, 0]);
  return convolve(context, padded(), kernel, attrs, none, groups, shape);
}

const lowerConv: Lowerings<"convGeneralDilated">["convGeneralDilated"] = (
  context,
  [input, kernel],
  attrs,
  { outputs: [{ shape }] },
) => {
  const { batchGroups, featureGroups } = attrs;
  if (sizeOf(input.shape) === 0 || sizeOf(kernel.shape) === 0) {
    return [filled(context.builder, 0, shape, input.dense.dtype)];
  }
  const x = batchGroups === 1 ? input : batchGroupsAsFeatures(context, input, batchGroups);
  const [a, b] = [x, kernel].map((view) => ({ ...view, scale: 1 }));
  const made = convolution(context, a, b, attrs, featureGroups * batchGroups, shape);
  return [{ ...made, scale: made.scale * input.scale * kernel.scale }];
};

/** The lowering of convolutions by name. */
export const convLowerings: Lowerings<"convGeneralDilated"> = { convGeneralDilated: lowerConv };
