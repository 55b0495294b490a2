/** @file Convolutions as matrix products: windows that tile the input, kernels' gradients, and what has no ONNX kernel. */

import { type Shape, sizeOf } from "../../../../graph/dtype.ts";
import type { ConvDimensions } from "../../../../graph/ops/conv.ts";
import { forEachIndex } from "../../../../graph/values.ts";
import type { LoweringContext } from "../context.ts";
import { product } from "../ops/dot.ts";
import { apply } from "../ops/elementwise.ts";
import { align, ordered } from "../realise.ts";
import { type Range, reshaped, sliceView } from "../ops/shape.ts";
import { type View, permuteView } from "../view.ts";

/**
 * How a spatial axis splits where windows neither overlap nor leave gaps: into [positions, taps] if the stride is the
 * kernel's extent (patches), into [taps, positions] if the dilation is the result's extent (the kernel's gradient).
 */
function tiling(extent: number, taps: number, stride: number, dilation: number, out: number) {
  if (dilation === 1 && stride === taps && out * taps === extent) return "patches";
  if (stride === 1 && dilation === out && out * taps === extent) return "comb";
  return undefined;
}

/** A convolution whose windows tile the input, as one matrix product. */
export function tiledConvolution(
  context: LoweringContext,
  x: View,
  kernel: View,
  attrs: ConvDimensions,
  out: readonly number[],
): View | undefined {
  const rank = attrs.strides.length;
  const tilings = attrs.strides.map((stride, i) =>
    tiling(x.shape[i + 1], kernel.shape[i], stride, attrs.rhsDilation[i], out[i]),
  );
  if (tilings.includes(undefined)) return undefined;
  const split = tilings.flatMap((kind, i) =>
    kind === "patches" ? [out[i], kernel.shape[i]] : [kernel.shape[i], out[i]],
  );
  const wide = reshaped(context.builder, x, [x.shape[0], ...split, x.shape.at(-1)!]);
  const taps = tilings.map((kind, i) => 1 + 2 * i + (kind === "patches" ? 1 : 0));
  return product(context, wide, kernel, {
    lhsBatch: [],
    rhsBatch: [],
    lhsContract: [...taps, 1 + 2 * rank],
    rhsContract: [...attrs.strides.map((_, i) => i), rank],
  });
}

/** A convolution of a padded input as a sum of one product for each tap of the kernel: for what has no kernel. */
export function convolveByTaps(
  context: LoweringContext,
  x: View,
  kernel: View,
  { strides, rhsDilation }: ConvDimensions,
  groups: number,
  shape: Shape,
): View {
  const { builder } = context;
  const rank = strides.length;
  const [channels, features] = [kernel.shape[rank], kernel.shape[rank + 1] / groups];
  const ones = strides.map(() => 1);
  let total: View | undefined;
  forEachIndex(kernel.shape.slice(0, rank), (_flat, tap) => {
    const at = (axis: number, start: number, count: number, step: number): Range => ({
      axis,
      start,
      end: start + (count - 1) * step + 1,
      step,
    });
    const places = tap.map((k, i) => at(i + 1, k * rhsDilation[i], shape[i + 1], strides[i]));
    const pixels = sliceView(builder, x, places, [
      x.shape[0],
      ...shape.slice(1, -1),
      x.shape[rank + 1],
    ]);
    const picked = tap.map((k, i) => at(i, k, 1, 1));
    const weights = sliceView(builder, kernel, picked, [...ones, ...kernel.shape.slice(rank)]);
    const lhs = reshaped(builder, pixels, [...pixels.shape.slice(0, -1), groups, channels]);
    const rhs = reshaped(builder, weights, [channels, groups, features]);
    const part = product(context, lhs, rhs, {
      lhsBatch: [rank + 1],
      rhsBatch: [1],
      lhsContract: [rank + 2],
      rhsContract: [0],
    }); // [groups, N, out…, features]
    total = total
      ? apply(context, [total, part], x.dense.dtype, (e, a, b) => e.op("Add", [a, b]))
      : part;
  });
  const images = [0, ...strides.map((_, i) => i + 1)].map((axis) => axis + 1);
  return reshaped(builder, permuteView(total!, [...images, 0, rank + 2]), shape);
}

/** Elements that the patches of a kernel's gradient may have together; beyond it there is one product a tap. */
const MAX_PATCHES = 1 << 26;

/** A convolution with a kernel larger than its result is the gradient of a kernel. */
export const isKernelGradient = (
  { builder }: LoweringContext,
  kernel: View,
  rank: number,
  out: Shape,
): boolean => builder.sizes.exceeds(sizeOf(kernel.shape.slice(0, rank)), sizeOf(out));

/**
 * The gradient of a kernel: for each of the few output places the window is the whole cotangent, so it is one product over
 * the patches of all places side by side (im2col). x [C, …, N] padded, cotangent [o…, N, F] → [C, k…, F].
 */
export function kernelGradient(
  context: LoweringContext,
  x: View,
  cotangent: View,
  { strides, rhsDilation }: ConvDimensions,
  shape: Shape,
): View {
  const { builder } = context;
  const rank = strides.length;
  const window = cotangent.shape.slice(0, rank);
  const out = shape.slice(1, -1);
  const [channels, images] = [shape[0], x.shape[rank + 1]];
  const spatial = window.map((_, i) => i + 1);
  // channels first in memory, so that the patches are rows of a matrix
  const order = [0, rank + 1, ...spatial];
  const rows = ordered(align(builder, x, order, "full"), x.shape, order);
  const patches: View[] = [];
  forEachIndex(out, (_flat, place) => {
    const ranges = place.map((k, i) => ({
      axis: i + 1,
      start: k * strides[i],
      end: k * strides[i] + (window[i] - 1) * rhsDilation[i] + 1,
      step: rhsDilation[i],
    }));
    patches.push(sliceView(builder, rows, ranges, [channels, ...window, images]));
  });
  const multiply = (patch: View): View =>
    product(context, patch, cotangent, {
      lhsBatch: [],
      rhsBatch: [],
      lhsContract: [...spatial, rank + 1],
      rhsContract: [...spatial.map((i) => i - 1), rank],
    }); // [places · C, F]
  const stack = (parts: readonly View[], order: readonly number[]): View => {
    const dense = parts.map((part) => align(builder, part, order, "full"));
    const extent = parts.length * channels;
    const joined = builder.op("Concat", dense, {
      shape: [extent, ...dense[0].shape.slice(1)],
      dtype: x.dense.dtype,
      attributes: { axis: { i: 0 } },
    });
    return ordered(joined, [extent, ...parts[0].shape.slice(1)], order);
  };
  const total = patches.length * sizeOf(patches[0].shape);
  const isSmall = !builder.sizes.exceeds(total, MAX_PATCHES);
  const sums = isSmall ? multiply(stack(patches, order)) : stack(patches.map(multiply), [0, 1]);
  const split = reshaped(builder, sums, [...out, channels, shape.at(-1)!]);
  return permuteView(split, [rank, ...out.map((_, i) => i), rank + 1]);
}
