/** @file Primitives that move elements, in ONNX; most of them only change the view. */

import { type Shape, sizeOf } from "../../../../graph/dtype.ts";
import { inSpace } from "../images/blocked.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Lowerings } from "../context.ts";
import { align, insertAxes, ordered, rowMajor, unbroadcast } from "../realise.ts";
import {
  type Dense,
  type View,
  broadcastView,
  heldSize,
  layoutOf,
  permuteView,
  reshapeView,
  viewOf,
} from "../view.ts";

/** A view in another shape; elements are put in order first where strides cannot say it. */
export const reshaped = (builder: GraphBuilder, view: View, shape: Shape): View =>
  reshapeView(view, shape) ?? viewOf(rowMajor(builder, view), shape);

/** The view as a dense value whose ONNX axes are the view's in memory order, without broadcast ones. */
export function inMemoryOrder(
  builder: GraphBuilder,
  view: View,
): { dense: Dense; order: number[]; scale: number } {
  const order = layoutOf(view);
  const plain = { ...view, scale: 1 };
  return { dense: align(builder, plain, order), order, scale: view.scale };
}

/** The end of a range that runs backwards through a whole axis, however long that is. */
const BEFORE_FIRST = -(2 ** 31);

/** One contiguous or strided range along an axis, for ONNX's Slice. */
export interface Range {
  readonly axis: number;
  /** From the end where negative. */
  readonly start: number;
  /** Exclusive; with a negative step {@link BEFORE_FIRST} reaches the first element. */
  readonly end: number;
  readonly step: number;
}

/** A slice of a view along some axes; broadcast axes are only renumbered. */
export function sliceView(
  builder: GraphBuilder,
  view: View,
  ranges: readonly Range[],
  shape: Shape,
): View {
  const real = ranges.filter(({ axis }) => view.strides[axis] !== 0);
  if (real.length === 0) return { ...view, shape };
  const blocked = inSpace(
    builder,
    view,
    real.map(({ axis }) => axis),
    (image) => sliceView(builder, image, real, [...shape.slice(0, 3), ...image.shape.slice(3)]),
  );
  if (blocked) return blocked;
  const { dense, order, scale } = inMemoryOrder(builder, view);
  const lists = [
    real.map(({ start }) => start),
    real.map(({ end }) => end),
    real.map(({ axis }) => order.indexOf(axis)),
    real.map(({ step }) => step),
  ];
  const sliced = builder.op("Slice", [dense, ...lists.map((list) => builder.ints(list))], {
    shape: order.map((axis) => shape[axis]),
    dtype: dense.dtype,
  });
  return { ...ordered(sliced, shape, order), scale };
}

const lowerSlice: Lowerings<"slice">["slice"] = ({ builder }, [x], attrs, { outputs: [y] }) => {
  const { start, limit, strides } = attrs;
  const ranges = x.shape.map((_, axis) => ({
    axis,
    start: start[axis],
    end: limit[axis],
    step: strides[axis],
  }));
  const real = ranges.filter(
    (r) => r.start !== 0 || r.end !== x.shape[r.axis] || (r.step !== 1 && r.end > 1),
  );
  return [sliceView(builder, x, real, y.shape)];
};

/** A view with its elements in reverse order along some axes. */
export const reversed = (builder: GraphBuilder, view: View, axes: readonly number[]): View =>
  reversedRows(builder, view, axes) ??
  sliceView(
    builder,
    view,
    axes.map((axis) => ({ axis, start: -1, end: BEFORE_FIRST, step: -1 })),
    view.shape,
  );

/** Up to this many rows are put into another order by their numbers. */
const MAX_ROWS = 1024;

/** The same where the axes are all those that come first in memory: long rows in reverse order, which are just copied. */
function reversedRows(
  builder: GraphBuilder,
  view: View,
  axes: readonly number[],
): View | undefined {
  const layout = layoutOf(view);
  const first = layout.findIndex((axis) => !axes.includes(axis));
  const held = axes.filter((axis) => layout.includes(axis));
  const extents = layout.map((axis) => view.shape[axis]);
  const rows = sizeOf(extents.slice(0, first));
  if (first !== held.length || rows === 1 || builder.sizes.exceeds(rows, MAX_ROWS))
    return undefined;
  const { dense, order, scale } = inMemoryOrder(builder, view);
  const matrix = builder.reshape(dense, [rows, sizeOf(extents.slice(first))]);
  const places = builder.ints(Array.from({ length: rows }, (_, i) => rows - 1 - i));
  const made = builder.op("Gather", [matrix, places], {
    ...matrix,
    attributes: { axis: { i: 0 } },
  });
  return { ...ordered(made, view.shape, order), scale };
}

const lowerReverse: Lowerings<"reverse">["reverse"] = ({ builder }, [x], { axes }) => [
  reversed(builder, x, axes),
];

/** Spreads elements along an axis with `gaps` padding values behind each one. */
function spread(builder: GraphBuilder, x: Dense, axis: number, gaps: number, value: Dense): Dense {
  const lead = x.shape.slice(0, axis + 1);
  const tail = x.shape.slice(axis + 1);
  const wide = builder.reshape(x, [...lead, 1, ...tail]);
  const pads = new Array<number>(2 * wide.shape.length).fill(0);
  pads[wide.shape.length + axis + 1] = gaps;
  const padded = padDense(builder, wide, pads, value);
  const extent = x.shape[axis] * (gaps + 1);
  return builder.reshape(padded, [...lead.slice(0, -1), extent, ...tail]);
}

/** ONNX's Pad: all low counts, then all high counts; negative ones crop. */
function padDense(builder: GraphBuilder, x: Dense, pads: readonly number[], value: Dense): Dense {
  const rank = x.shape.length;
  const shape = x.shape.map((n, i) => n + pads[i] + pads[rank + i]);
  return builder.op("Pad", [x, builder.ints(pads), value], { shape, dtype: x.dtype });
}

/** Pads, crops and spreads a view. `value` is a scalar; a view's factor is applied first unless it is 0. */
export function padView(
  builder: GraphBuilder,
  view: View,
  value: Dense,
  config: {
    readonly low: readonly number[];
    readonly high: readonly number[];
    readonly interior: readonly number[];
  },
): View {
  const { low, high, interior } = config;
  const axes = view.shape.map((_, axis) => axis);
  const shape = view.shape.map((n, i) => low[i] + high[i] + n + Math.max(n - 1, 0) * interior[i]);
  const touched = axes.filter(
    (i) => low[i] !== 0 || high[i] !== 0 || (interior[i] !== 0 && view.shape[i] > 1),
  );
  if (touched.length === 0) return view;
  const blocked = inSpace(builder, view, touched, (image) => {
    const finer = (list: readonly number[]) => [...list, 0]; // channels are two axes
    return padView(builder, image, value, {
      low: finer(low),
      high: finer(high),
      interior: finer(interior),
    });
  });
  if (blocked) return blocked;
  const isZero = value.uniform === 0;
  const factor = isZero ? view.scale : 1;
  const full = unbroadcast(builder, isZero ? { ...view, scale: 1 } : view, touched);
  // axes of extent 1 have no place in memory yet
  const order = insertAxes(
    layoutOf(full),
    touched.filter((axis) => full.strides[axis] === 0),
  );
  let dense = align(builder, full, order);
  const extra = new Map<number, number>();
  order.forEach((axis, i) => {
    if (interior[axis] === 0 || view.shape[axis] <= 1) return;
    dense = spread(builder, dense, i, interior[axis], value);
    extra.set(axis, interior[axis]);
  });
  const pads = [
    ...order.map((axis) => low[axis]),
    ...order.map((axis) => high[axis] - (extra.get(axis) ?? 0)),
  ];
  return { ...ordered(padDense(builder, dense, pads, value), shape, order), scale: factor };
}

const lowerPad: Lowerings<"pad">["pad"] = ({ builder }, [x, value], attrs, { outputs: [y] }) => {
  const scalar = align(builder, value, []);
  if (sizeOf(x.shape) === 0) return [broadcastView(viewOf(scalar, []), y.shape, [])];
  return [padView(builder, x, scalar, attrs)];
};

const lowerConcatenate: Lowerings<"concatenate">["concatenate"] = (
  { builder },
  inputs,
  { axis },
  { outputs: [{ shape }] },
) => {
  const parts = inputs.filter((x) => sizeOf(x.shape) > 0);
  if (parts.length === 1) return [parts[0]];
  const like = parts.reduce((a, b) => (builder.sizes.exceeds(heldSize(b), heldSize(a)) ? b : a));
  const axes = shape.map((_, i) => i);
  // axes that every part repeats stay lazy
  const held = axes.filter((i) => i === axis || parts.some(({ strides }) => strides[i] !== 0));
  const order = insertAxes(
    layoutOf(like),
    held.filter((i) => like.strides[i] === 0),
  );
  const scale = parts.every((part) => part.scale === like.scale) ? like.scale : 1;
  const operands = parts.map((part) =>
    align(builder, scale === 1 ? part : { ...part, scale: 1 }, order, "full"),
  );
  const joined = builder.op("Concat", operands, {
    shape: order.map((i) => shape[i]),
    dtype: like.dense.dtype,
    attributes: { axis: { i: order.indexOf(axis) } },
  });
  return [{ ...ordered(joined, shape, order), scale }];
};

/** The lowerings of element-moving primitives by name. */
export const shapeLowerings: Lowerings<
  "reshape" | "transpose" | "broadcastInDim" | "slice" | "pad" | "concatenate" | "reverse"
> = {
  reshape: ({ builder }, [x], { shape }) => [reshaped(builder, x, shape)],
  transpose: (_context, [x], { permutation }) => [permuteView(x, permutation)],
  broadcastInDim: (_context, [x], { shape, axes }) => [broadcastView(x, shape, axes)],
  slice: lowerSlice,
  pad: lowerPad,
  concatenate: lowerConcatenate,
  reverse: lowerReverse,
};
