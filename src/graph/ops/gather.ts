/** @file Indexed access: gather, scatter-add, dynamic slices, sort and top-k. */

import { type Shape, isInteger, sizeOf, stridesOf } from "../dtype.ts";
import type {
  Tensor} from "../tensor.ts";
import {
  type Primitive,
  type Spec,
  dtypeError,
  emit,
  emitOne,
  shapeError,
} from "../tensor.ts";
import {
  type Value,
  allocate,
  forEachIndex,
  gatherValue,
  offsetOf,
  roundValue,
  zerosValue,
} from "../values.ts";
import { broadcastBatch, broadcastTo } from "./broadcast.ts";
import { iota, onesLike, zerosLike } from "./constant.ts";
import { add, clip, convert, equal, greater, mul, select } from "./elementwise.ts";
import { axisOf, broadcastInDim, expandDims, moveAxis, reshape } from "./shape.ts";

/** Which axis the indices address, and how many leading axes operand and indices share. */
export interface GatherDimensions {
  readonly axis: number;
  readonly batchDims: number;
}

function checkIndices(operation: string, inputs: readonly Spec[], dims: GatherDimensions): void {
  const [operand, indices] = inputs;
  const { axis, batchDims } = dims;
  if (!isInteger(indices.dtype)) throw dtypeError(operation, inputs, "indices must be integers");
  if (!(batchDims >= 0 && batchDims <= axis && axis < operand.shape.length)) {
    throw shapeError(
      operation,
      inputs,
      `batchDims ${batchDims} ≤ axis ${axis} < rank does not hold`,
    );
  }
  for (let i = 0; i < batchDims; i++) {
    if (operand.shape[i] !== indices.shape[i]) {
      throw shapeError(operation, inputs, `leading axis ${i} differs in extent`);
    }
  }
}

const gatheredShape = (
  operand: Spec,
  indices: Spec,
  { axis, batchDims }: GatherDimensions,
): Shape => [
  ...operand.shape.slice(0, axis),
  ...indices.shape.slice(batchDims),
  ...operand.shape.slice(axis + 1),
];

/** For each gathered element: its flat operand position at index 0, and the flat position of its index. */
function addresses(operand: Spec, indices: Spec, dims: GatherDimensions) {
  const { axis, batchDims } = dims;
  const shape = gatheredShape(operand, indices, dims);
  const indexRank = indices.shape.length - batchDims;
  const from = stridesOf(operand.shape);
  const at = stridesOf(indices.shape);
  const zeros = new Array<number>(indexRank).fill(0);
  return {
    shape,
    stride: from[axis],
    operandStrides: [...from.slice(0, axis), ...zeros, ...from.slice(axis + 1)],
    indexStrides: shape.map((_, i) => {
      if (i < batchDims) return at[i];
      return i >= axis && i < axis + indexRank ? at[batchDims + i - axis] : 0;
    }),
  };
}

const gatherP: Primitive<"gather", GatherDimensions> = {
  name: "gather",
  infer(inputs, dims) {
    checkIndices("gather", inputs, dims);
    const [operand, indices] = inputs;
    const shape = gatheredShape(operand, indices, dims);
    if (operand.shape[dims.axis] === 0 && sizeOf(shape) > 0) {
      throw shapeError("gather", inputs, `axis ${dims.axis} is empty`);
    }
    return [{ shape, dtype: operand.dtype }];
  },
  // a clamped index sends its cotangent to the edge that was read
  gradient: ({ inputs: [operand, indices], attrs }, [d]) => [
    d &&
      scatterAdd(
        zerosLike({ shape: operand.shape, dtype: d.dtype }),
        clampIndex(indices, operand, attrs.axis),
        d,
        attrs,
      ),
    null,
  ],
  batch({ inputs: [operand, indices], batched, attrs: { axis, batchDims }, size }) {
    if (!batched[1] && batchDims === 0) {
      return [emitOne(gatherP, [operand, indices], { axis: axis + 1, batchDims })];
    }
    const [x, i] = broadcastBatch({ inputs: [operand, indices], batched, attrs: null, size });
    return [emitOne(gatherP, [x, i], { axis: axis + 1, batchDims: batchDims + 1 })];
  },
  interpret([operand, indices], dims) {
    const { shape, stride, operandStrides, indexStrides } = addresses(operand, indices, dims);
    const last = operand.shape[dims.axis] - 1;
    return [
      gatherValue(operand, shape, (index) => {
        const k = Math.min(Math.max(indices.data[offsetOf(index, indexStrides)], 0), last);
        return offsetOf(index, operandStrides) + k * stride;
      }),
    ];
  },
  flops: () => 0,
};

const scatterAddP: Primitive<"scatterAdd", GatherDimensions> = {
  name: "scatterAdd",
  infer(inputs, dims) {
    checkIndices("scatterAdd", inputs, dims);
    const [operand, indices, updates] = inputs;
    const shape = gatheredShape(operand, indices, dims);
    if (String(updates.shape) !== String(shape)) {
      throw shapeError("scatterAdd", inputs, `updates must have shape [${shape}]`);
    }
    if (updates.dtype !== operand.dtype || operand.dtype === "bool") {
      throw dtypeError("scatterAdd", inputs, "operand and updates must share one numeric dtype");
    }
    return [{ shape: operand.shape, dtype: operand.dtype }];
  },
  gradient({ inputs: [operand, indices], attrs, needs }, [d]) {
    if (!d) return [null, null, null];
    return [d, null, needs[2] ? gatherOrZero(d, indices, operand, attrs) : null];
  },
  batch(context) {
    const { axis, batchDims } = context.attrs;
    const attrs = { axis: axis + 1, batchDims: batchDims + 1 };
    return [emitOne(scatterAddP, broadcastBatch(context), attrs)];
  },
  interpret([operand, indices, updates], dims) {
    const { shape, stride, operandStrides, indexStrides } = addresses(operand, indices, dims);
    const sums = Float64Array.from(operand.data);
    const n = operand.shape[dims.axis];
    forEachIndex(shape, (flat, index) => {
      const k = indices.data[offsetOf(index, indexStrides)];
      if (k >= 0 && k < n) sums[offsetOf(index, operandStrides) + k * stride] += updates.data[flat];
    });
    const data = allocate(operand.dtype, sums.length);
    data.set(sums);
    return [roundValue({ shape: operand.shape, dtype: operand.dtype, data })];
  },
  flops: ([, , updates]) => sizeOf(updates.shape),
};

const clampIndex = (indices: Tensor, operand: Tensor, axis: number): Tensor =>
  clip(indices, 0, Math.max(operand.shape[axis] - 1, 0));

/** What a scatter's updates receive: the element they were added to, zero where they were dropped. */
function gatherOrZero(d: Tensor, indices: Tensor, operand: Tensor, dims: GatherDimensions): Tensor {
  if (operand.shape[dims.axis] === 0)
    return zerosLike({ ...d, shape: gatheredShape(operand, indices, dims) });
  const rows = emitOne(gatherP, [d, indices], dims);
  const kept = equal(clampIndex(indices, operand, dims.axis), indices);
  const { axis, batchDims } = dims;
  const places = indices.shape.map((_, i) => (i < batchDims ? i : axis + i - batchDims));
  return select(broadcastInDim(kept, rows.shape, places), rows, zerosLike(rows));
}

interface Sizes {
  readonly sizes: readonly number[];
}

const startsOf = (starts: readonly Value[], shape: Shape, sizes: readonly number[]): number[] =>
  starts.map((start, i) => Math.min(Math.max(start.data[0], 0), shape[i] - sizes[i]));

function checkStarts(operation: string, inputs: readonly Spec[], from: number, sizes: Shape): void {
  const { shape } = inputs[0];
  const starts = inputs.slice(from);
  if (starts.length !== shape.length || sizes.length !== shape.length) {
    throw shapeError(operation, inputs, "needs one scalar start and one size an axis");
  }
  if (starts.some((s) => s.shape.length !== 0 || !isInteger(s.dtype))) {
    throw dtypeError(operation, inputs, "starts must be integer scalars");
  }
  if (sizes.some((n, i) => n > shape[i]))
    throw shapeError(operation, inputs, `[${sizes}] does not fit`);
}

const dynamicSliceP: Primitive<"dynamicSlice", Sizes> = {
  name: "dynamicSlice",
  infer(inputs, { sizes }) {
    checkStarts("dynamicSlice", inputs, 1, sizes);
    return [{ shape: sizes, dtype: inputs[0].dtype }];
  },
  gradient: ({ inputs: [x, ...starts] }, [d]) => [
    d && dynamicUpdateSlice(zerosLike({ shape: x.shape, dtype: d.dtype }), d, starts),
    ...starts.map(() => null),
  ],
  batch({ inputs: [x, ...starts], batched: [hasBatch, ...startBatched], attrs: { sizes }, size }) {
    if (startBatched.some(Boolean)) {
      const operand = hasBatch ? x : broadcastTo(x, [size, ...x.shape]);
      return [gatherSlices(operand, starts, startBatched, sizes, size)];
    }
    const zero = zerosLike({ shape: [], dtype: starts[0]?.dtype ?? "int32" });
    return [emitOne(dynamicSliceP, [x, zero, ...starts], { sizes: [size, ...sizes] })];
  },
  interpret([x, ...starts], { sizes }) {
    const strides = stridesOf(x.shape);
    const base = offsetOf(startsOf(starts, x.shape, sizes), strides);
    return [gatherValue(x, sizes, (index) => base + offsetOf(index, strides))];
  },
  flops: () => 0,
};

const dynamicUpdateSliceP: Primitive<"dynamicUpdateSlice", Record<string, never>> = {
  name: "dynamicUpdateSlice",
  infer(inputs) {
    const [x, update, ...starts] = inputs;
    checkStarts("dynamicUpdateSlice", [x, ...starts], 1, update.shape);
    if (x.dtype !== update.dtype) throw dtypeError("dynamicUpdateSlice", inputs, "dtypes differ");
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  gradient({ inputs: [, update, ...starts], needs }, [d]) {
    if (!d) return [null, null, ...starts.map(() => null)];
    const hole = () => dynamicUpdateSlice(d, zerosLike(update), starts);
    return [
      needs[0] ? hole() : null,
      needs[1] ? dynamicSlice(d, starts, update.shape) : null,
      ...starts.map(() => null),
    ];
  },
  batch({ inputs: [x, update, ...starts], batched, size }) {
    const [operand, rows] = broadcastBatch({ inputs: [x, update], batched, attrs: null, size });
    if (!batched.slice(2).some(Boolean)) {
      const zero = zerosLike({ shape: [], dtype: starts[0]?.dtype ?? "int32" });
      return [emitOne(dynamicUpdateSliceP, [operand, rows, zero, ...starts], {})];
    }
    const places = slicePlaces(operand, starts, batched.slice(2), update.shape, size);
    const dims = { axis: 1, batchDims: 1 };
    const blank = zerosLike(reshape(operand, [size, -1]));
    const updates = reshape(rows, [size, -1]);
    const hit = scatterAdd(blank, places, onesLike(updates), dims);
    const written = scatterAdd(blank, places, updates, dims);
    const merged = select(greater(hit, 0), written, reshape(operand, [size, -1]));
    return [reshape(merged, operand.shape)];
  },
  interpret([x, update, ...starts]) {
    const strides = stridesOf(x.shape);
    const base = offsetOf(startsOf(starts, x.shape, update.shape), strides);
    const data = x.data.slice();
    forEachIndex(update.shape, (flat, index) => {
      data[base + offsetOf(index, strides)] = update.data[flat];
    });
    return [{ ...x, data }];
  },
  flops: () => 0,
};

/** Flat positions [batch, slice size] of one slice per row, starts clamped so that slices fit. */
function slicePlaces(
  x: Tensor,
  starts: readonly Tensor[],
  batched: readonly boolean[],
  sizes: Shape,
  size: number,
): Tensor {
  const strides = stridesOf(x.shape.slice(1));
  let places = zerosLike({ shape: [size, ...sizes], dtype: "int32" });
  starts.forEach((start, axis) => {
    const row = convert(batched[axis] ? start : broadcastTo(start, [size]), "int32");
    const first = clip(row, 0, x.shape[axis + 1] - sizes[axis]);
    const offset = mul(iota([size, ...sizes], "int32", axis + 1), strides[axis]);
    const base = broadcastInDim(mul(first, strides[axis]), [size, ...sizes], [0]);
    places = add(places, add(offset, base));
  });
  return reshape(places, [size, -1]);
}

function gatherSlices(
  x: Tensor,
  starts: readonly Tensor[],
  batched: readonly boolean[],
  sizes: Shape,
  size: number,
): Tensor {
  const places = slicePlaces(x, starts, batched, sizes, size);
  const rows = emitOne(gatherP, [reshape(x, [size, -1]), places], { axis: 1, batchDims: 1 });
  return reshape(rows, [size, ...sizes]);
}

/** Ascending with NaN last; −0 and 0 are equal. */
const ascending = (a: number, b: number): number => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
};

/** The stable sorting permutation of each line along an axis, as flat positions. */
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
        const base = Math.min(...line);
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

/** The indexing primitives by name. */
export const gatherPrimitives = {
  gather: gatherP,
  scatterAdd: scatterAddP,
  dynamicSlice: dynamicSliceP,
  dynamicUpdateSlice: dynamicUpdateSliceP,
  sort: sortP,
  topK: topKP,
};

/**
 * Slices of `operand` at integer `indices` along an axis; indices outside clamp to the edge.
 * The first `batchDims` axes of both are shared. Result: operand[:axis] + indices[batchDims:] + operand[axis+1:].
 */
export const gather = (
  operand: Tensor,
  indices: Tensor,
  dims: Partial<GatherDimensions> = {},
): Tensor =>
  emitOne(gatherP, [operand, indices], { axis: dims.axis ?? 0, batchDims: dims.batchDims ?? 0 });

/** Adds `updates` (shaped as {@link gather}'s result) into `operand`; indices outside are dropped. */
export const scatterAdd = (
  operand: Tensor,
  indices: Tensor,
  updates: Tensor,
  dims: Partial<GatherDimensions> = {},
): Tensor =>
  emitOne(scatterAddP, [operand, indices, updates], {
    axis: dims.axis ?? 0,
    batchDims: dims.batchDims ?? 0,
  });

/** NumPy's take: slices at indices along an axis. */
export const take = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  gather(x, indices, { axis: axisOf("take", x, axis) });

/** One element per index along an axis; `indices` has x's shape but for that axis. */
export function takeAlongAxis(x: Tensor, indices: Tensor, axis = -1): Tensor {
  const at = axisOf("takeAlongAxis", x, axis);
  const last = x.rank - 1;
  const picked = gather(moveAxis(x, at, last), moveAxis(indices, at, last), {
    axis: last,
    batchDims: last,
  });
  return moveAxis(picked, last, at);
}

/** A block of given sizes at run-time starts, clamped so that it fits. */
export const dynamicSlice = (x: Tensor, starts: readonly Tensor[], sizes: Shape): Tensor =>
  emitOne(dynamicSliceP, [x, ...starts], { sizes });

/** `x` with a block replaced at run-time starts, clamped so that it fits. */
export const dynamicUpdateSlice = (x: Tensor, update: Tensor, starts: readonly Tensor[]): Tensor =>
  emitOne(dynamicUpdateSliceP, [x, update, ...starts], {});

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

/** One-hot rows [..., classes]; an index outside gives a zero row. */
export function oneHot(
  indices: Tensor,
  classes: number,
  dtype: Tensor["dtype"] = "float32",
): Tensor {
  if (!isInteger(indices.dtype)) throw dtypeError("oneHot", [indices], "indices must be integers");
  const shape = [...indices.shape, classes];
  const places = iota(shape, indices.dtype, shape.length - 1);
  return convert(equal(broadcastTo(expandDims(indices, -1), shape), places), dtype);
}
