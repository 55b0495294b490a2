/** @file Order: sort and top-k. */

import { sizeOf, stridesOf } from "../dtype.ts";
import { type Primitive, type Tensor, dtypeError, emit, emitOne, shapeError } from "../tensor.ts";
import { type Value, zerosValue } from "../values.ts";
import { broadcastBatch } from "./broadcast.ts";
import { iota, zerosLike } from "./constant.ts";
import { scatterAdd, takeAlongAxis } from "./gather.ts";
import { axisOf } from "./shape.ts";

/** Ascending with NaN last; −0 and 0 are equal. */
const ascending = (a: number, b: number): number => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
};

/** For each line along an axis, in row-major order of the others: its sorted flat positions (stable). */
function sortedLines(
  x: Value,
  axis: number,
  compare: (a: number, b: number) => number,
): Int32Array[] {
  const stride = stridesOf(x.shape)[axis];
  const n = x.shape[axis];
  const lines = n === 0 ? 0 : x.data.length / n;
  return Array.from({ length: lines }, (_, line) => {
    const base = Math.floor(line / stride) * stride * n + (line % stride);
    const places = Int32Array.from({ length: n }, (_unused, k) => base + k * stride);
    return places.sort((a, b) => compare(x.data[a], x.data[b]) || a - b);
  });
}

const sortP: Primitive<"sort", { axis: number }> = {
  name: "sort",
  infer(inputs) {
    const [keys] = inputs;
    if (inputs.some((x) => String(x.shape) !== String(keys.shape))) {
      throw shapeError("sort", inputs, "keys and values must share one shape");
    }
    if (keys.dtype === "bool") throw dtypeError("sort", inputs, "keys must be numbers");
    return inputs.map(({ shape, dtype }) => ({ shape, dtype }));
  },
  gradient({ inputs, attrs: { axis }, needs }, cotangents) {
    const [keys] = inputs;
    const order = emit(sortP, [keys, iota(keys.shape, "int32", axis)], { axis })[1];
    const inverse = emit(sortP, [order, iota(keys.shape, "int32", axis)], { axis })[1];
    return cotangents.map((d, i) => (d && needs[i] ? takeAlongAxis(d, inverse, axis) : null));
  },
  batch: (context) => emit(sortP, broadcastBatch(context), { axis: context.attrs.axis + 1 }),
  interpret(inputs, { axis }) {
    const [keys] = inputs;
    const stride = stridesOf(keys.shape)[axis];
    const lines = sortedLines(keys, axis, ascending);
    return inputs.map((x) => {
      const result = zerosValue(x.shape, x.dtype);
      for (const line of lines) {
        const base = line.reduce((least, at) => Math.min(least, at));
        line.forEach((from, k) => (result.data[base + k * stride] = x.data[from]));
      }
      return result;
    });
  },
  flops: ([x], _outputs, { axis }) => sizeOf(x.shape) * Math.ceil(Math.log2(x.shape[axis] + 1)),
};

const topKP: Primitive<"topK", { k: number }> = {
  name: "topK",
  infer(inputs, { k }) {
    const [{ shape, dtype }] = inputs;
    const n = shape.at(-1);
    if (dtype === "bool") throw dtypeError("topK", inputs, "takes numbers");
    if (n === undefined || k > n || k < 0) {
      throw shapeError("topK", inputs, `k = ${k} does not fit the last axis`);
    }
    const picked = [...shape.slice(0, -1), k];
    return [
      { shape: picked, dtype },
      { shape: picked, dtype: "int32" },
    ];
  },
  gradient: ({ inputs: [x], outputs: [, indices] }, [d]) => {
    const dims = { axis: x.rank - 1, batchDims: x.rank - 1 };
    return [d && scatterAdd(zerosLike({ shape: x.shape, dtype: d.dtype }), indices, d, dims)];
  },
  batch: ({ inputs, attrs }) => emit(topKP, inputs, attrs),
  interpret([x], { k }) {
    const shape = [...x.shape.slice(0, -1), k];
    const values = zerosValue(shape, x.dtype);
    const indices = zerosValue(shape, "int32");
    const n = x.shape.at(-1)!;
    sortedLines(x, x.shape.length - 1, (a, b) => ascending(b, a)).forEach((line, row) => {
      for (let i = 0; i < k; i++) {
        values.data[row * k + i] = x.data[line[i]];
        indices.data[row * k + i] = line[i] - row * n;
      }
    });
    return [values, indices];
  },
  flops: ([x]) => sizeOf(x.shape),
};

/** The ordering primitives by name. */
export const sortPrimitives = { sort: sortP, topK: topKP };

/** Ascending and stable along an axis, NaN last. */
export const sort = (x: Tensor, axis = -1): Tensor =>
  emitOne(sortP, [x], { axis: axisOf("sort", x, axis) });

/** Values reordered as their keys sort: [sorted keys, values…]. */
export const sortWith = (keys: Tensor, values: readonly Tensor[], axis = -1): Tensor[] =>
  emit(sortP, [keys, ...values], { axis: axisOf("sort", keys, axis) });

/** The permutation that sorts an axis, as int32. */
export function argSort(x: Tensor, axis = -1): Tensor {
  const at = axisOf("argSort", x, axis);
  return sortWith(x, [iota(x.shape, "int32", at)], at)[1];
}

/** The k largest along the last axis, descending, and their indices; NaN counts as largest. */
export function topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
  const [values, indices] = emit(topKP, [x], { k });
  return { values, indices };
}
