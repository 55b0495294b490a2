/** @file Stretching along axes, and summing over them: each is the other's transpose, and so its gradient. */

import { type Shape, stridesOf } from "../dtype.ts";
import { type Primitive, type Tensor, emitOne, shapeError } from "../tensor.ts";
import { additionOf, gatherValue, offsetOf } from "../values.ts";
import { liftReduction, reduction } from "./reduction.ts";
import { reshape } from "./shape.ts";

const broadcastInDimP: Primitive<"broadcastInDim", { shape: Shape; axes: readonly number[] }> = {
  name: "broadcastInDim",
  infer(inputs, { shape, axes }) {
    const [x] = inputs;
    const fits =
      axes.length === x.shape.length &&
      axes.every(
        (axis, i) =>
          axis < shape.length &&
          (i === 0 || axis > axes[i - 1]) &&
          (x.shape[i] === 1 || x.shape[i] === shape[axis]),
      );
    if (!fits)
      throw shapeError("broadcastInDim", inputs, `does not fit [${shape}] along [${axes}]`);
    return [{ shape, dtype: x.dtype }];
  },
  gradient({ inputs: [x], attrs: { shape, axes } }, [d]) {
    if (!d) return [null];
    const kept = new Set(axes.filter((axis, i) => x.shape[i] === shape[axis]));
    const summed = shape.map((_, axis) => axis).filter((axis) => !kept.has(axis));
    return [reshape(reduceSum(d, summed), x.shape)];
  },
  batch: ({ inputs, attrs: { shape, axes }, size }) => [
    emitOne(broadcastInDimP, inputs, {
      shape: [size, ...shape],
      axes: [0, ...axes.map((a) => a + 1)],
    }),
  ],
  interpret([x], { shape, axes }) {
    const strides = new Array<number>(shape.length).fill(0);
    stridesOf(x.shape).forEach((stride, i) => {
      if (x.shape[i] !== 1) strides[axes[i]] = stride;
    });
    return [gatherValue(x, shape, (index) => offsetOf(index, strides))];
  },
  flops: () => 0,
};

const reduceSumP = reduction("reduceSum", {
  domain: "number",
  initial: () => 0,
  reducer: additionOf,
  gradient: (x, _y, d, axes) => restore(d, x.shape, axes),
});

/** The stretching and the summing primitive by name. */
export const stretchPrimitives = { broadcastInDim: broadcastInDimP, reduceSum: reduceSumP };

/** StableHLO's broadcast: operand axis i becomes result axis `axes[i]` (ascending), 1 stretches. */
export const broadcastInDim = (x: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  emitOne(broadcastInDimP, [x], { shape, axes });

/** A reduced tensor stretched back over the axes that a reduction removed. */
export function restore(reduced: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  return broadcastInDim(reduced, shape, kept);
}

/** The sum over axes (all of them unless said). */
export const reduceSum = liftReduction(reduceSumP);
