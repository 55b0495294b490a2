/** @file Primitives that move elements: reshape, transpose, reverse. */

import { type Shape, sameShape, sizeOf, stridesOf } from "../dtype.ts";
import { type Primitive, type Spec, type Tensor, emitOne, shapeError } from "../tensor.ts";
import { gatherValue, offsetOf } from "../values.ts";

const free = (): number => 0;

/** An axis counted from the front; negative ones count from the end. */
export function axisOf(operation: string, x: Spec, axis: number): number {
  const rank = x.shape.length;
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) {
    throw shapeError(operation, [x], `axis ${axis} is not in [${-rank}, ${rank})`);
  }
  return positive;
}

/** Several axes, sorted; all of them when none are given. Duplicates are an error. */
export function axesOf(operation: string, x: Spec, axes?: number | readonly number[]): number[] {
  if (axes === undefined) return x.shape.map((_, i) => i);
  const list = (typeof axes === "number" ? [axes] : [...axes]).map((a) => axisOf(operation, x, a));
  list.sort((a, b) => a - b);
  if (new Set(list).size !== list.length) {
    throw shapeError(operation, [x], `axes [${axes as number[]}] repeat`);
  }
  return list;
}

const reshapeP: Primitive<"reshape", { shape: Shape }> = {
  name: "reshape",
  infer(inputs, { shape }) {
    if (sizeOf(shape) !== sizeOf(inputs[0].shape)) {
      throw shapeError("reshape", inputs, `does not fit [${shape}]`);
    }
    return [{ shape, dtype: inputs[0].dtype }];
  },
  gradient: ({ inputs: [x] }, [d]) => [d && reshape(d, x.shape)],
  batch: ({ inputs: [x], attrs, size }) => [
    emitOne(reshapeP, [x], { shape: [size, ...attrs.shape] }),
  ],
  interpret: ([x], { shape }) => [{ ...x, shape }],
  flops: free,
};

const transposeP: Primitive<"transpose", { permutation: readonly number[] }> = {
  name: "transpose",
  infer(inputs, { permutation }) {
    const [{ shape, dtype }] = inputs;
    const sorted = [...permutation].sort((a, b) => a - b);
    if (sorted.length !== shape.length || sorted.some((axis, i) => axis !== i)) {
      throw shapeError("transpose", inputs, `[${permutation}] is no permutation of its axes`);
    }
    return [{ shape: permutation.map((axis) => shape[axis]), dtype }];
  },
  gradient: (context, [d]) => [d && transpose(d, inversePermutation(context.attrs.permutation))],
  batch: ({ inputs, attrs }) => [
    emitOne(transposeP, inputs, { permutation: [0, ...attrs.permutation.map((a) => a + 1)] }),
  ],
  interpret([x], { permutation }) {
    const strides = stridesOf(x.shape);
    const permuted = permutation.map((axis) => strides[axis]);
    const shape = permutation.map((axis) => x.shape[axis]);
    return [gatherValue(x, shape, (index) => offsetOf(index, permuted))];
  },
  flops: free,
};

/** The permutation that undoes another. */
export function inversePermutation(permutation: readonly number[]): number[] {
  const inverse = new Array<number>(permutation.length);
  permutation.forEach((axis, i) => (inverse[axis] = i));
  return inverse;
}

const reverseP: Primitive<"reverse", { axes: readonly number[] }> = {
  name: "reverse",
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  gradient: ({ attrs }, [d]) => [d && emitOne(reverseP, [d], attrs)],
  batch: ({ inputs, attrs }) => [
    emitOne(reverseP, inputs, { axes: attrs.axes.map((axis) => axis + 1) }),
  ],
  interpret([x], { axes }) {
    const strides = stridesOf(x.shape);
    const flipped = new Set(axes);
    return [
      gatherValue(x, x.shape, (index) =>
        strides.reduce(
          (sum, s, i) => sum + s * (flipped.has(i) ? x.shape[i] - 1 - index[i] : index[i]),
          0,
        ),
      ),
    ];
  },
  flops: free,
};

/** The reshaping primitives by name. */
export const shapePrimitives = {
  reshape: reshapeP,
  transpose: transposeP,
  reverse: reverseP,
};

/** The same elements in another shape, row-major; one extent may be −1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const open = shape.indexOf(-1);
  if (open < 0) return sameShape(x.shape, shape) ? x : emitOne(reshapeP, [x], { shape });
  const rest = sizeOf(shape.filter((_, i) => i !== open));
  if (rest <= 0 || x.size % rest !== 0) throw shapeError("reshape", [x], `does not fit [${shape}]`);
  return reshape(
    x,
    shape.map((n, i) => (i === open ? x.size / rest : n)),
  );
}

/** A no-op equation with an identity of its own; the simplifier removes it. */
export const alias = (x: Tensor): Tensor => emitOne(reshapeP, [x], { shape: x.shape });

/** Axes in another order; reversed when no permutation is given. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const order =
    permutation?.map((axis) => axisOf("transpose", x, axis)) ??
    x.shape.map((_, i) => x.rank - 1 - i);
  if (order.length === x.rank && order.every((axis, i) => axis === i)) return x;
  return emitOne(transposeP, [x], { permutation: order });
}

/** Moves one axis to another place, the others keep their order. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  const source = axisOf("moveAxis", x, from);
  const order = x.shape.map((_, i) => i).filter((i) => i !== source);
  order.splice(axisOf("moveAxis", x, to), 0, source);
  return transpose(x, order);
}

/** Swaps two axes. */
export function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const order = x.shape.map((_, i) => i);
  const [i, j] = [axisOf("swapAxes", x, a), axisOf("swapAxes", x, b)];
  [order[i], order[j]] = [order[j], order[i]];
  return transpose(x, order);
}

/** Inserts an axis of extent 1. */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.rank + 1 : axis;
  if (at < 0 || at > x.rank) throw shapeError("expandDims", [x], `axis ${axis} is out of range`);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Removes axes of extent 1 (all of them, or those named). */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const drop =
    axes === undefined
      ? x.shape.map((_, i) => i).filter((i) => x.shape[i] === 1)
      : axesOf("squeeze", x, axes);
  const wide = drop.find((axis) => x.shape[axis] !== 1);
  if (wide !== undefined)
    throw shapeError("squeeze", [x], `axis ${wide} has extent ${x.shape[wide]}`);
  return reshape(
    x,
    x.shape.filter((_, i) => !drop.includes(i)),
  );
}

/** Elements in reverse order along axes. */
export const reverse = (x: Tensor, axes?: number | readonly number[]): Tensor =>
  emitOne(reverseP, [x], { axes: axesOf("reverse", x, axes) });
