/** @file From lazy views to dense ONNX values: alignment of axes, row-major copies, elementwise application. */

import { type DType, type Shape, sameShape } from "../../../graph/dtype.ts";
import type { GraphBuilder } from "./builder.ts";
import { type Dense, type View, denseStrides, heldSize, layoutOf } from "./view.ts";

/** A view with its factor applied. */
export const unscaled = (builder: GraphBuilder, view: View): View => ({
  ...view,
  dense: builder.scaled(view.dense, view.scale),
  scale: 1,
});

/** A view's elements with its held axes in the given order and its factor applied, in any ONNX shape. */
function inOrder(builder: GraphBuilder, view: View, order: readonly number[]): Dense {
  const dense = builder.scaled(view.dense, view.scale);
  const layout = layoutOf(view);
  const target = order.filter((axis) => view.strides[axis] !== 0);
  const permutation = target.map((axis) => layout.indexOf(axis));
  if (permutation.every((axis, i) => axis === i)) return dense;
  const extents = layout.map((axis) => view.shape[axis]);
  return builder.transpose(builder.reshape(dense, extents), permutation);
}

/**
 * A view's elements with axes in the given order, which names at least all axes that the view does not broadcast.
 * Broadcast axes have extent 1, or are repeated in full.
 */
export function align(
  builder: GraphBuilder,
  view: View,
  order: readonly number[],
  broadcast: "one" | "full" = "one",
): Dense {
  const { shape, strides } = view;
  const ones = order.map((axis) => (strides[axis] === 0 ? 1 : shape[axis]));
  const dense = builder.reshape(inOrder(builder, view, order), ones);
  return broadcast === "one"
    ? dense
    : builder.expand(
        dense,
        order.map((axis) => shape[axis]),
      );
}

/** A view's elements in row-major order, in its shape. */
export const rowMajor = (builder: GraphBuilder, view: View): Dense =>
  align(
    builder,
    view,
    view.shape.map((_, axis) => axis),
    "full",
  );

/** A view that holds every element itself: broadcast axes among `axes` (all of them unless given) are repeated. */
export function unbroadcast(
  builder: GraphBuilder,
  view: View,
  axes: readonly number[] = view.shape.map((_, axis) => axis),
): View {
  const isLazy = (axis: number) => view.strides[axis] === 0 && view.shape[axis] !== 1;
  const repeated = axes.filter(isLazy);
  if (repeated.length === 0) return view;
  const order = insertAxes(layoutOf(view), repeated);
  return ordered(align(builder, view, order, "full"), view.shape, order);
}

/** The view of a dense value whose ONNX axes are the given axes of a shape, in that order; the others broadcast. */
export function ordered(dense: Dense, shape: Shape, order: readonly number[]): View {
  const strides = new Array<number>(shape.length).fill(0);
  denseStrides(order.map((axis) => shape[axis])).forEach((stride, i) => {
    strides[order[i]] = stride;
  });
  return { dense, shape, strides, scale: 1 };
}

/** Axes put into an order where ascending neighbours are looked for; an ascending order stays ascending. */
export function insertAxes(order: readonly number[], axes: readonly number[]): number[] {
  const result = [...order];
  for (const axis of axes) {
    const before = result.findIndex((other) => other > axis);
    result.splice(before < 0 ? result.length : before, 0, axis);
  }
  return result;
}

/** The axes of an elementwise result in the memory order of its largest operand. */
function commonOrder(builder: GraphBuilder, views: readonly View[]): number[] {
  let largest = views[0];
  for (const view of views) {
    if (builder.sizes.exceeds(heldSize(view), heldSize(largest))) largest = view;
  }
  const order = layoutOf(largest);
  const axes = views[0].shape.map((_, axis) => axis);
  const missing = axes.filter(
    (axis) => !order.includes(axis) && views.some(({ strides }) => strides[axis] !== 0),
  );
  return insertAxes(order, missing);
}

/** Axes grouped as they may merge into the axes of an operand that holds them all, the one of lowest rank preferred. */
function mergedGroups(
  order: readonly number[],
  shape: Shape,
  views: readonly View[],
): readonly (readonly number[])[] | undefined {
  const whole = views.filter((view) => layoutOf(view).length === order.length);
  const ranked = whole.sort((a, b) => a.dense.shape.length - b.dense.shape.length);
  for (const { dense } of ranked) {
    const groups = groupsAs(dense.shape, order, shape, views);
    if (groups) return groups;
  }
  return undefined;
}

/** Axes grouped so that the groups have given extents, if every operand holds or broadcasts each group as a whole. */
function groupsAs(like: Shape, order: readonly number[], shape: Shape, views: readonly View[]) {
  const groups: number[][] = [];
  let at = 0;
  for (const extent of like) {
    const group: number[] = [];
    let size = 1;
    while (size < extent && at < order.length) {
      size *= shape[order[at]];
      group.push(order[at++]);
    }
    if (size !== extent) return undefined;
    groups.push(group);
  }
  if (at !== order.length) return undefined;
  const isWhole = ({ strides }: View) =>
    groups.every((group) => {
      const lazy = group.filter((axis) => strides[axis] === 0).length;
      return lazy === 0 || lazy === group.length;
    });
  return views.every(isWhole) ? groups : undefined;
}

/**
 * Applies elementwise operators to views of one shape, in the memory order of the largest operand; axes that every
 * operand broadcasts stay broadcast in the result. `emit` gets operands that broadcast against each other in ONNX.
 */
export function mapElements(
  builder: GraphBuilder,
  views: readonly View[],
  dtype: DType,
  emit: (operands: Dense[]) => Dense,
): View {
  const { shape } = views[0];
  const order = commonOrder(builder, views);
  const isNatural = order.every((axis, i) => i === 0 || order[i - 1] < axis);
  const groups = mergedGroups(order, shape, views);
  const axes = isNatural ? shape.map((_, axis) => axis) : order;
  const extent = (view: View, axis: number) => (view.strides[axis] === 0 ? 1 : shape[axis]);
  const target = (view: View): number[] =>
    groups
      ? groups.map((group) => group.reduce((n, axis) => n * extent(view, axis), 1))
      : axes.map((axis) => extent(view, axis));
  const operands = views.map((view) => {
    const dims = target(view);
    const flat = inOrder(builder, view, order);
    return endsAlike(flat.shape, dims) ? flat : builder.reshape(flat, withoutLeadingOnes(dims));
  });
  const result = broadcastShapes(operands.map((operand) => operand.shape));
  return ordered({ ...emit(operands), shape: result, dtype }, shape, order);
}

/** The shape that ONNX's broadcasting gives. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, i) =>
    Math.max(...shapes.map((shape) => shape[i + shape.length - rank] ?? 1)),
  );
}

function withoutLeadingOnes(shape: Shape): Shape {
  const first = shape.findIndex((extent) => extent !== 1);
  return first < 0 ? [] : shape.slice(first);
}

/** Whether two shapes are the same for ONNX's broadcasting. */
const endsAlike = (a: Shape, b: Shape): boolean =>
  sameShape(withoutLeadingOnes(a), withoutLeadingOnes(b));
