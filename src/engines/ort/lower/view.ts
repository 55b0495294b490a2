/**
 * @file Lazy views: a tensor as a strided, scaled look at a dense ONNX value, so that transposes, reshapes, broadcasts
 * and constant factors cost nothing until an operator needs the elements in a row.
 */

import { type DType, type Shape, sizeOf } from "../../../graph/dtype.ts";

/** A value of the ONNX graph: row-major in the shape that ONNX knows it by. */
export interface Dense {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** The number that it holds everywhere, where that is known. */
  readonly uniform?: number;
}

/** A tensor whose element at an index is `scale · dense[Σ index · strides]`. */
export interface View {
  readonly dense: Dense;
  readonly shape: Shape;
  /** In elements; 0 along broadcast axes and axes of extent 1. The other axes cover the dense value exactly. */
  readonly strides: readonly number[];
  /** A factor still to be applied; 1 for all but floats. */
  readonly scale: number;
}

/** Row-major strides with 0 where the extent is 1. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = shape[i] === 1 ? 0 : stride;
    stride *= shape[i];
  }
  return strides;
}

/** A dense value in a shape of its size. */
export const viewOf = (dense: Dense, shape: Shape = dense.shape): View => ({
  dense,
  shape,
  strides: denseStrides(shape),
  scale: 1,
});

/** The axes along which elements differ, outermost in memory first. */
export const layoutOf = ({ strides }: View): number[] =>
  strides
    .map((_, axis) => axis)
    .filter((axis) => strides[axis] !== 0)
    .sort((a, b) => strides[b] - strides[a]);

/** Elements that a view really holds (broadcast axes not counted). */
export const heldSize = ({ shape, strides }: View): number =>
  sizeOf(shape.filter((_, axis) => strides[axis] !== 0));

export const permuteView = (view: View, permutation: readonly number[]): View => ({
  ...view,
  shape: permutation.map((axis) => view.shape[axis]),
  strides: permutation.map((axis) => view.strides[axis]),
});

/** Operand axis i becomes result axis `axes[i]`; new and stretched axes have stride 0. */
export function broadcastView(view: View, shape: Shape, axes: readonly number[]): View {
  const strides = new Array<number>(shape.length).fill(0);
  axes.forEach((axis, i) => (strides[axis] = view.strides[i]));
  return { ...view, shape, strides };
}

/** A view without some axes that it broadcasts. */
export const dropAxes = (view: View, axes: readonly number[]): View => ({
  ...view,
  shape: view.shape.filter((_, i) => !axes.includes(i)),
  strides: view.strides.filter((_, i) => !axes.includes(i)),
});

/** The same elements in another shape, if strides can say it. */
export function reshapeView(view: View, shape: Shape): View | undefined {
  const strides = new Array<number>(shape.length).fill(0);
  const from = view.shape.map((_, i) => i).filter((i) => view.shape[i] !== 1);
  const to = shape.map((_, i) => i).filter((i) => shape[i] !== 1);
  let i = 0;
  let j = 0;
  while (i < from.length && j < to.length) {
    const [firstOld, firstNew] = [i, j];
    let old = view.shape[from[i++]];
    let fresh = shape[to[j++]];
    while (old !== fresh) {
      if (old < fresh) old *= view.shape[from[i++]];
      else fresh *= shape[to[j++]];
    }
    for (let k = firstOld; k < i - 1; k++) {
      if (view.strides[from[k]] !== view.strides[from[k + 1]] * view.shape[from[k + 1]])
        return undefined;
    }
    let stride = view.strides[from[i - 1]];
    for (let k = j - 1; k >= firstNew; k--) {
      strides[to[k]] = stride;
      stride *= shape[to[k]];
    }
  }
  return { ...view, shape, strides };
}
