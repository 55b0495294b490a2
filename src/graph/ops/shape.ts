/** @file Primitives that move elements: reshape, transpose, broadcast, slice, pad, concatenate, reverse. */

import { type Shape, sameShape, sizeOf, stridesOf } from "../dtype.ts";
import { type Primitive, Tensor, dtypeError, emitOne, shapeError } from "../tensor.ts";
import { forEachIndex, gatherValue, offsetOf, zerosValue } from "../values.ts";
import { onesLike, scalar, zerosLike } from "./constant.ts";
import { equal, select, sub } from "./elementwise.ts";
import { reduceSum } from "./reduce.ts";

const free = (): number => 0;

/** An axis counted from the front; negative ones count from the end. */
export function axisOf(operation: string, x: { shape: Shape }, axis: number): number {
  const rank = x.shape.length;
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) {
    throw shapeError(operation, [x as Tensor], `axis ${axis} is not in [${-rank}, ${rank})`);
  }
  return positive;
}

/** Several axes, sorted; all of them when none are given. Duplicates are an error. */
export function axesOf(operation: string, x: Tensor, axes?: number | readonly number[]): number[] {
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
  flops: free,
};

interface SliceAttrs {
  readonly start: readonly number[];
  readonly limit: readonly number[];
  readonly strides: readonly number[];
}

const sliceP: Primitive<"slice", SliceAttrs> = {
  name: "slice",
  infer(inputs, { start, limit, strides }) {
    const [{ shape, dtype }] = inputs;
    const fits =
      [start, limit, strides].every((list) => list.length === shape.length) &&
      shape.every(
        (n, i) => start[i] >= 0 && start[i] <= limit[i] && limit[i] <= n && strides[i] >= 1,
      );
    if (!fits) {
      throw shapeError(
        "slice",
        inputs,
        `[${start}] to [${limit}] by [${strides}] leaves its shape`,
      );
    }
    return [{ shape: shape.map((_, i) => Math.ceil((limit[i] - start[i]) / strides[i])), dtype }];
  },
  gradient({ inputs: [x], outputs: [y], attrs: { start, strides } }, [d]) {
    if (!d) return [null];
    const spread = y.shape.map((n, i) => (n === 0 ? 0 : 1 + (n - 1) * strides[i]));
    const high = x.shape.map((n, i) => n - start[i] - spread[i]);
    return [
      padRaw(
        d,
        zerosLike({ shape: [], dtype: d.dtype }),
        start,
        high,
        strides.map((s) => s - 1),
      ),
    ];
  },
  batch: ({ inputs, attrs: { start, limit, strides }, size }) => [
    emitOne(sliceP, inputs, {
      start: [0, ...start],
      limit: [size, ...limit],
      strides: [1, ...strides],
    }),
  ],
  interpret([x], { start, limit, strides }) {
    const from = stridesOf(x.shape);
    const shape = x.shape.map((_, i) => Math.ceil((limit[i] - start[i]) / strides[i]));
    const base = offsetOf(start, from);
    const steps = from.map((stride, i) => stride * strides[i]);
    return [gatherValue(x, shape, (index) => base + offsetOf(index, steps))];
  },
  flops: free,
};

interface PadAttrs {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

const padP: Primitive<"pad", PadAttrs> = {
  name: "pad",
  infer(inputs, { low, high, interior }) {
    const [{ shape, dtype }, value] = inputs;
    if (value.dtype !== dtype || value.shape.length !== 0) {
      throw dtypeError("pad", inputs, "the padding value must be a scalar of the same dtype");
    }
    if (![low, high, interior].every((list) => list.length === shape.length)) {
      throw shapeError("pad", inputs, "low, high and interior need one entry an axis");
    }
    const padded = shape.map((n, i) => low[i] + high[i] + n + Math.max(n - 1, 0) * interior[i]);
    if (padded.some((n) => n < 0) || interior.some((n) => n < 0)) {
      throw shapeError("pad", inputs, `[${low}], [${high}], [${interior}] leave a negative extent`);
    }
    return [{ shape: padded, dtype }];
  },
  gradient({ inputs: [, value], attrs: { low, high, interior }, needs }, [d]) {
    if (!d) return [null, null];
    const zero = zerosLike(value);
    const cropped = padRaw(
      d,
      zero,
      low.map((n) => -n),
      high.map((n) => -n),
      low.map(free),
    );
    const dx = slice(
      cropped,
      low.map(free),
      cropped.shape,
      interior.map((n) => n + 1),
    );
    return [dx, needs[1] ? sub(reduceSum(d), reduceSum(dx)) : null];
  },
  batch({ inputs: [x, value], batched, attrs: { low, high, interior }, size }) {
    const attrs = { low: [0, ...low], high: [0, ...high], interior: [0, ...interior] };
    const operand = batched[0]
      ? x
      : broadcastInDim(
          x,
          [size, ...x.shape],
          x.shape.map((_, i) => i + 1),
        );
    if (!batched[1]) return [emitOne(padP, [operand, value], attrs)];
    const zero = zerosLike({ shape: [], dtype: x.dtype });
    const padded = emitOne(padP, [operand, zero], attrs);
    const mask = emitOne(padP, [onesLike(operand), zero], attrs);
    const values = broadcastInDim(value, padded.shape, [0]);
    return [select(equal(mask, 0), values, padded)];
  },
  interpret([x, value], { low, high, interior }) {
    const shape = x.shape.map((n, i) => low[i] + high[i] + n + Math.max(n - 1, 0) * interior[i]);
    const result = zerosValue(shape, x.dtype);
    result.data.fill(value.data[0]);
    const strides = stridesOf(shape);
    forEachIndex(x.shape, (flat, index) => {
      const at = index.map((k, i) => low[i] + k * (interior[i] + 1));
      if (at.every((k, i) => k >= 0 && k < shape[i])) {
        result.data[offsetOf(at, strides)] = x.data[flat];
      }
    });
    return [result];
  },
  flops: free,
};

const concatenateP: Primitive<"concatenate", { axis: number }> = {
  name: "concatenate",
  infer(inputs, { axis }) {
    const [{ shape, dtype }] = inputs;
    for (const other of inputs) {
      if (other.dtype !== dtype)
        throw dtypeError("concatenate", inputs, "operands must share one dtype");
      if (
        other.shape.length !== shape.length ||
        other.shape.some((n, i) => i !== axis && n !== shape[i])
      ) {
        throw shapeError("concatenate", inputs, `operands may differ along axis ${axis} only`);
      }
    }
    const extent = inputs.reduce((sum, x) => sum + x.shape[axis], 0);
    return [{ shape: shape.map((n, i) => (i === axis ? extent : n)), dtype }];
  },
  gradient({ inputs, attrs: { axis }, needs }, [d]) {
    let at = 0;
    return inputs.map((x, i) => {
      const from = at;
      at += x.shape[axis];
      return d && needs[i] ? sliceAxis(d, axis, from, at) : null;
    });
  },
  batch: ({ inputs, batched, attrs, size }) => [
    emitOne(
      concatenateP,
      inputs.map((x, i) =>
        batched[i]
          ? x
          : broadcastInDim(
              x,
              [size, ...x.shape],
              x.shape.map((_, axis) => axis + 1),
            ),
      ),
      { axis: attrs.axis + 1 },
    ),
  ],
  interpret(inputs, { axis }) {
    const extent = inputs.reduce((sum, x) => sum + x.shape[axis], 0);
    const shape = inputs[0].shape.map((n, i) => (i === axis ? extent : n));
    const result = zerosValue(shape, inputs[0].dtype);
    const outer = sizeOf(shape.slice(0, axis));
    const inner = sizeOf(shape.slice(axis + 1));
    let at = 0;
    for (const x of inputs) {
      const block = x.shape[axis] * inner;
      for (let i = 0; i < outer; i++) {
        result.data.set(x.data.subarray(i * block, (i + 1) * block), (i * extent + at) * inner);
      }
      at += x.shape[axis];
    }
    return [result];
  },
  flops: free,
};

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

/** The element-moving primitives by name. */
export const shapePrimitives = {
  reshape: reshapeP,
  transpose: transposeP,
  broadcastInDim: broadcastInDimP,
  slice: sliceP,
  pad: padP,
  concatenate: concatenateP,
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

/** StableHLO's broadcast: operand axis i becomes result axis `axes[i]` (ascending), 1 stretches. */
export const broadcastInDim = (x: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  emitOne(broadcastInDimP, [x], { shape, axes });

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

/** Elements from `start` up to `limit` (exclusive) by `strides`, one entry an axis. */
export function slice(
  x: Tensor,
  start: readonly number[],
  limit: readonly number[],
  strides: readonly number[] = start.map(() => 1),
): Tensor {
  const whole = x.shape.every((n, i) => start[i] === 0 && limit[i] === n && strides[i] === 1);
  return whole && start.length === x.rank ? x : emitOne(sliceP, [x], { start, limit, strides });
}

/** A slice along one axis; negative bounds count from the end. */
export function sliceAxis(
  x: Tensor,
  axis: number,
  start: number,
  limit?: number,
  stride = 1,
): Tensor {
  const at = axisOf("sliceAxis", x, axis);
  const n = x.shape[at];
  const bound = (k: number): number => (k < 0 ? k + n : k);
  const starts = x.shape.map((_, i) => (i === at ? bound(start) : 0));
  const limits = x.shape.map((m, i) => (i === at ? bound(limit ?? n) : m));
  return slice(
    x,
    starts,
    limits,
    x.shape.map((_, i) => (i === at ? stride : 1)),
  );
}

/** One index along an axis; the axis disappears. */
export function indexAxis(x: Tensor, axis: number, index: number): Tensor {
  const at = axisOf("indexAxis", x, axis);
  const i = index < 0 ? index + x.shape[at] : index;
  return squeeze(sliceAxis(x, at, i, i + 1), at);
}

/** Cuts an axis into equal parts, or into parts of given sizes. */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const at = axisOf("split", x, axis);
  const n = x.shape[at];
  if (typeof parts === "number" && n % parts !== 0) {
    throw shapeError("split", [x], `axis ${axis} does not divide into ${parts}`);
  }
  const sizes = typeof parts === "number" ? new Array<number>(parts).fill(n / parts) : parts;
  if (sizes.reduce((a, b) => a + b, 0) !== n) {
    throw shapeError("split", [x], `sizes [${sizes}] do not add up to ${n}`);
  }
  let from = 0;
  return sizes.map((size) => sliceAxis(x, at, from, (from += size)));
}

const padRaw = (
  x: Tensor,
  value: Tensor,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[],
): Tensor =>
  [...low, ...high, ...interior].every((n) => n === 0)
    ? x
    : emitOne(padP, [x, value], { low, high, interior });

/** Edge and interior padding with a scalar; negative edges crop (XLA's Pad). */
export function pad(
  x: Tensor,
  config: readonly (readonly [low: number, high: number, interior?: number])[],
  value: number | Tensor = 0,
): Tensor {
  const scalarValue = value instanceof Tensor ? value : scalar(value, x.dtype);
  return padRaw(
    x,
    scalarValue,
    config.map(([low]) => low),
    config.map(([, high]) => high),
    config.map(([, , interior = 0]) => interior),
  );
}

/** Joins tensors along an axis. */
export function concatenate(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw shapeError("concatenate", [], "needs at least one tensor");
  const at = axisOf("concatenate", tensors[0], axis);
  return tensors.length === 1 ? tensors[0] : emitOne(concatenateP, tensors, { axis: at });
}

/** Joins tensors along a new axis. */
export const stack = (tensors: readonly Tensor[], axis = 0): Tensor =>
  concatenate(
    tensors.map((x) => expandDims(x, axis)),
    axis,
  );

/** Elements in reverse order along axes. */
export const reverse = (x: Tensor, axes?: number | readonly number[]): Tensor =>
  emitOne(reverseP, [x], { axes: axesOf("reverse", x, axes) });

/** Elements shifted cyclically along an axis: what falls off the end comes back at the front. */
export function roll(x: Tensor, shift: number, axis = 0): Tensor {
  const n = x.shape[axisOf("roll", x, axis)];
  const k = n === 0 ? 0 : ((shift % n) + n) % n;
  return k === 0 ? x : concatenate([sliceAxis(x, axis, n - k), sliceAxis(x, axis, 0, n - k)], axis);
}
