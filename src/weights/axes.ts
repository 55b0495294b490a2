/** @file Arrays in PyTorch's axes taken to ours. */

import {
  type HostArray,
  type Shape,
  type Spec,
  hostArray,
  sizeOf,
  stridesOf,
  typedArray,
} from "../graph/index.ts";

/** An array in `parts` along its first axis. */
export function splitRows(array: HostArray, parts: number): HostArray[] {
  const [rows, ...rest] = array.shape;
  if (parts === 1 || rows % parts !== 0) return [array];
  const length = array.data.length / parts;
  return Array.from({ length: parts }, (_, i) =>
    hostArray([rows / parts, ...rest], array.dtype, array.data.slice(i * length, (i + 1) * length)),
  );
}

/** PyTorch's axes to ours: a kernel's outputs come last; then the model's grouping of axes. */
export function turn(name: string, array: HostArray, spec: Spec | undefined): HostArray {
  const { shape } = array;
  let turned = array;
  if (name.endsWith("/kernel") && shape.length === 4) turned = permute(array, [2, 3, 1, 0]);
  else if (name.endsWith("/kernel") && shape.length === 2) turned = permute(array, [1, 0]);
  return regroup(turned, spec);
}

/** An array with the model's grouping of axes (heads, axes of one), where it fits. */
export const regroup = (array: HostArray, spec: Spec | undefined): HostArray =>
  spec && regroups(array.shape, spec.shape) ? { ...array, shape: spec.shape } : array;

/** Whether one shape is the other with neighbouring axes merged or split, or axes of one added. */
function regroups(a: Shape, b: Shape): boolean {
  if (sizeOf(a) !== sizeOf(b)) return false;
  const cuts = (shape: Shape): Set<number> => {
    let product = 1;
    return new Set(shape.map((extent) => (product *= extent)));
  };
  const [first, second] = [cuts(a), cuts(b)];
  const within = (x: Set<number>, y: Set<number>): boolean =>
    [...x].every((cut) => cut === 1 || y.has(cut));
  return within(first, second) || within(second, first);
}

/** An array with its axes in another order. */
export function permute({ shape, dtype, data }: HostArray, order: readonly number[]): HostArray {
  const next = order.map((axis) => shape[axis]);
  const strides = stridesOf(shape);
  const steps = order.map((axis) => strides[axis]);
  const out = typedArray(dtype, data.length);
  const index = next.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from];
    for (let axis = next.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < next[axis]) break;
      from -= steps[axis] * next[axis];
      index[axis] = 0;
    }
  }
  return hostArray(next, dtype, out);
}
