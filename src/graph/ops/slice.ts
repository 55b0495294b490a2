/** @file Primitives that cut and join: slice, pad, concatenate. */

import { sizeOf, stridesOf } from "../dtype.ts";
import { type Primitive, Tensor, dtypeError, emitOne, shapeError } from "../tensor.ts";
import { forEachIndex, gatherValue, offsetOf, zerosValue } from "../values.ts";
import { broadcastBatch } from "./broadcast.ts";
import { full, scalar, zerosLike } from "./constant.ts";
import { broadcastInDim, reduceSum } from "./stretch.ts";
import { select } from "./select.ts";
import { axisOf, expandDims, squeeze } from "./shape.ts";

const free = (): number => 0;
const minus = (n: number): number => -n;

export interface SliceAttrs {
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

export interface PadAttrs {
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
  gradient({ inputs: [x, value], attrs: { low, high, interior }, needs }, [d]) {
    if (!d) return [null, null];
    const zero = zerosLike(value);
    const none = low.map(() => 0);
    const cropped = padRaw(d, zero, low.map(minus), high.map(minus), none);
    const steps = interior.map((n) => n + 1);
    const onPadding = (): Tensor => {
      const inside = full(x.shape, false, "bool");
      return select(padRaw(inside, scalar(true, "bool"), low, high, interior), d, zero);
    };
    return [
      needs[0] ? slice(cropped, none, cropped.shape, steps) : null,
      needs[1] ? reduceSum(onPadding()) : null,
    ];
  },
  batch(context) {
    const { attrs, batched, inputs } = context;
    const wide = {
      low: [0, ...attrs.low],
      high: [0, ...attrs.high],
      interior: [0, ...attrs.interior],
    };
    const [x, values] = broadcastBatch(context);
    if (!batched[1]) return [emitOne(padP, [x, inputs[1]], wide)];
    const zero = zerosLike({ shape: [], dtype: x.dtype });
    const padded = emitOne(padP, [x, zero], wide);
    const mask = emitOne(padP, [full(x.shape, true, "bool"), scalar(false, "bool")], wide);
    return [select(mask, padded, broadcastInDim(values, padded.shape, [0]))];
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
  batch: (context) => [
    emitOne(concatenateP, broadcastBatch(context), { axis: context.attrs.axis + 1 }),
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

/** The cutting and joining primitives by name. */
export const slicePrimitives = { slice: sliceP, pad: padP, concatenate: concatenateP };

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
  low.length === x.rank && [...low, ...high, ...interior].every((n) => n === 0)
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

/** Elements shifted cyclically along an axis: what falls off the end comes back at the front. */
export function roll(x: Tensor, shift: number, axis = 0): Tensor {
  const n = x.shape[axisOf("roll", x, axis)];
  const k = n === 0 ? 0 : ((shift % n) + n) % n;
  return k === 0 ? x : concatenate([sliceAxis(x, axis, n - k), sliceAxis(x, axis, 0, n - k)], axis);
}
