/** @file Slices at run-time starts in ONNX. */

import { type Shape, sizeOf, stridesOf } from "../../../../graph/dtype.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Lowerings } from "../context.ts";
import { apply } from "./apply.ts";
import { limit } from "./gather.ts";
import { align, ordered, rowMajor, unbroadcast } from "../realise.ts";
import { filled } from "./reduce.ts";
import { type Dense, type View, broadcastView, layoutOf, viewOf } from "../view.ts";

/** Scalar starts as one int64 vector, clamped so that a block of the given sizes fits. */
function clampedStarts(
  builder: GraphBuilder,
  starts: readonly View[],
  shape: Shape,
  sizes: Shape,
): Dense {
  const parts = starts.map((start, axis) => {
    const scalar = builder.reshape(align(builder, start, []), [1]);
    return limit(builder, scalar, shape[axis] - sizes[axis]);
  });
  if (parts.length === 1) return parts[0];
  return builder.op("Concat", parts, {
    shape: [parts.length],
    dtype: "int64",
    attributes: { axis: { i: 0 } },
  });
}

const lowerDynamicSlice: Lowerings<"dynamicSlice">["dynamicSlice"] = (
  { builder },
  [x, ...starts],
  { sizes },
) => {
  const axes = sizes.map((_, i) => i).filter((i) => sizes[i] !== x.shape[i]);
  const real = axes.filter((i) => x.strides[i] !== 0);
  if (real.length === 0) return [{ ...x, shape: sizes }];
  const order = layoutOf(x);
  const dense = align(builder, { ...x, scale: 1 }, order);
  const pick = (list: Shape) => real.map((i) => list[i]);
  const from = clampedStarts(
    builder,
    real.map((i) => starts[i]),
    pick(x.shape),
    pick(sizes),
  );
  const to = builder.op("Add", [from, builder.ints(pick(sizes))], {
    shape: from.shape,
    dtype: "int64",
  });
  const places = builder.ints(real.map((i) => order.indexOf(i)));
  const sliced = builder.op("Slice", [dense, from, to, places], {
    shape: order.map((i) => sizes[i]),
    dtype: dense.dtype,
  });
  // strided views cannot tell that an axis of the slice may have extent 1: ordered() does
  return [{ ...ordered(sliced, sizes, order), scale: x.scale }];
};

/** Whether writing the elements of a block one by one is cheaper than joining a whole array again. */
const isSmall = ({ sizes }: GraphBuilder, block: Shape, whole: Shape): boolean =>
  !sizes.isOpen(sizeOf(whole)) && sizeOf(block) * 16 <= sizeOf(whole);

/** A block written along one axis: in place where nothing else reads the array, which ONNX Runtime sees by itself. */
function writeBlock(
  builder: GraphBuilder,
  x: Dense,
  block: Dense,
  start: Dense,
  axis: number,
): Dense {
  const count = block.shape[axis];
  const places = builder.op("Add", [start, builder.range(count, "int64")], {
    shape: [count],
    dtype: "int64",
  });
  const column = builder.reshape(
    places,
    block.shape.map((n, i) => (i === axis ? n : 1)),
  );
  return builder.op("ScatterElements", [x, builder.expand(column, block.shape), block], {
    shape: x.shape,
    dtype: x.dtype,
    attributes: { axis: { i: axis } },
  });
}

const lowerDynamicUpdateSlice: Lowerings<"dynamicUpdateSlice">["dynamicUpdateSlice"] = (
  context,
  [x, update, ...starts],
  _attrs,
  { outputs: [y] },
) => {
  const { builder } = context;
  const axes = x.shape.map((_, i) => i).filter((i) => update.shape[i] !== x.shape[i]);
  if (sizeOf(update.shape) === 0) return [x];
  if (axes.length === 0) return [update];
  const full = unbroadcast(builder, x);
  const sizes = update.shape;
  if (axes.length === 1) {
    // [before, update, after] along the one axis that differs
    const [axis] = axes;
    const order = layoutOf(full);
    const dense = align(builder, full, order);
    const { dtype } = dense;
    const at = builder.ints([order.indexOf(axis)]);
    const from = clampedStarts(builder, [starts[axis]], [x.shape[axis]], [sizes[axis]]);
    const block = align(builder, update, order, "full");
    if (isSmall(builder, sizes, x.shape)) {
      const place = order.indexOf(axis);
      const written = writeBlock(builder, dense, block, from, place);
      return [ordered(written, y.shape, order)];
    }
    const to = builder.op("Add", [from, builder.ints([sizes[axis]])], {
      shape: [1],
      dtype: "int64",
    });
    const part = (start: Dense | string, end: Dense | string): Dense =>
      builder.op("Slice", [dense, start, end, at], { shape: [], dtype });
    const pieces = [part(builder.ints([0]), from), block, part(to, builder.ints([x.shape[axis]]))];
    const joined = builder.op("Concat", pieces, {
      shape: order.map((i) => x.shape[i]),
      dtype,
      attributes: { axis: { i: order.indexOf(axis) } },
    });
    return [ordered(joined, y.shape, order)];
  }
  // several axes: write elements at their flat positions
  const strides = stridesOf(x.shape);
  let places = filled(builder, 0, sizes, "int64");
  sizes.forEach((n, axis) => {
    const start = clampedStarts(builder, [starts[axis]], [x.shape[axis]], [n]);
    const count = builder.op("Add", [builder.range(n, "int64"), start], {
      shape: [n],
      dtype: "int64",
    });
    const along = broadcastView(viewOf(count), sizes, [axis]);
    const step = builder.scalar(strides[axis], "int64");
    places = apply(context, [places, along], "int64", (e, a, b) =>
      e.op("Add", [a, e.op("Mul", [b, step])]),
    );
  });
  const flat = builder.reshape(rowMajor(builder, full), [sizeOf(x.shape)]);
  const index = builder.reshape(rowMajor(builder, places), [sizeOf(sizes), 1]);
  const values = builder.reshape(rowMajor(builder, update), [sizeOf(sizes)]);
  const written = builder.op("ScatterND", [flat, index, values], {
    shape: flat.shape,
    dtype: flat.dtype,
  });
  return [viewOf(written, y.shape)];
};

/** The lowerings of dynamic slices by name. */
export const dynamicLowerings: Lowerings<"dynamicSlice" | "dynamicUpdateSlice"> = {
  dynamicSlice: lowerDynamicSlice,
  dynamicUpdateSlice: lowerDynamicUpdateSlice,
};
