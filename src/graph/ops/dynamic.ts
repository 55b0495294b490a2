/** @file Blocks at run-time positions: dynamicSlice and dynamicUpdateSlice. */

import { type Shape, isInteger, sizeOf, stridesOf } from "../dtype.ts";
import {
  type Primitive,
  type Spec,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
} from "../tensor.ts";
import { type Value, forEachIndex, gatherValue, offsetOf } from "../values.ts";
import { clip, logicalAnd } from "./binary.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { broadcastInDim } from "./stretch.ts";
import { broadcastBatch } from "./broadcast.ts";
import { iota, scalar, zerosLike } from "./constant.ts";
import { gather } from "./gather.ts";
import { clampIndex } from "./indexing.ts";
import { convert, greaterEqual, less, select } from "./select.ts";
import { reshape } from "./shape.ts";

export interface Sizes {
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
  batch({ inputs: [x, ...starts], batched: [has, ...varying], attrs: { sizes }, size }) {
    if (!varying.some(Boolean)) {
      const operands = [x, firstRow(starts), ...starts];
      return [emitOne(dynamicSliceP, operands, { sizes: [size, ...sizes] })];
    }
    const shape = has ? x.shape.slice(1) : x.shape;
    const places = sizes.map((n, axis) =>
      add(
        iota([size, ...sizes], "int32", axis + 1),
        firstOf(starts[axis], shape[axis] - n, sizes, size),
      ),
    );
    return [gatherPlaces(x, has, places, shape)];
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
  batch(context) {
    const { inputs, batched, size } = context;
    const starts = inputs.slice(2);
    if (!batched.slice(2).some(Boolean)) {
      const [x, update] = broadcastBatch({ ...context, inputs: inputs.slice(0, 2) });
      return [emitOne(dynamicUpdateSliceP, [x, update, firstRow(starts), ...starts], {})];
    }
    // every element asks where it lies in the block, and takes the block's element or keeps itself
    const [x] = broadcastBatch({ ...context, inputs: [inputs[0]] });
    const block = batched[1] ? inputs[1].shape.slice(1) : inputs[1].shape;
    if (sizeOf(block) === 0) return [x];
    const [, ...shape] = x.shape;
    const places = shape.map((n, axis) =>
      sub(iota(x.shape, "int32", axis + 1), firstOf(starts[axis], n - block[axis], shape, size)),
    );
    const inside = places.map((at, axis) => logicalAnd(greaterEqual(at, 0), less(at, block[axis])));
    const nearest = places.map((at, axis) => clip(at, 0, block[axis] - 1));
    return [
      select(inside.reduce(logicalAnd), gatherPlaces(inputs[1], batched[1], nearest, block), x),
    ];
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

/** The start along the batch axis for starts that all rows share. */
const firstRow = (starts: readonly Tensor[]): Tensor =>
  scalar(0, starts.length > 0 ? starts[0].dtype : "int32");

/** A start, limited to 0 … last, stretched over a block for each row: int32[batch, …block]. */
function firstOf(start: Tensor, last: number, block: Shape, size: number): Tensor {
  const first = convert(clampIndex(start, last), "int32");
  return broadcastInDim(first, [size, ...block], start.rank === 1 ? [0] : []);
}

/** Elements at positions given axis by axis, int32[batch, …]; x carries the batch axis or serves all rows. */
function gatherPlaces(
  x: Tensor,
  batched: boolean,
  places: readonly Tensor[],
  shape: Shape,
): Tensor {
  const strides = stridesOf(shape);
  const flat = places.map((at, axis) => mul(at, strides[axis])).reduce((a, b) => add(a, b));
  if (!batched) return gather(reshape(x, [sizeOf(shape)]), flat);
  return gather(reshape(x, [x.shape[0], sizeOf(shape)]), flat, { axis: 1, batchDims: 1 });
}

/** The primitives of run-time positions by name. */
export const dynamicPrimitives = {
  dynamicSlice: dynamicSliceP,
  dynamicUpdateSlice: dynamicUpdateSliceP,
};

/** A block of given sizes at run-time starts, clamped so that it fits. */
export const dynamicSlice = (x: Tensor, starts: readonly Tensor[], sizes: Shape): Tensor =>
  emitOne(dynamicSliceP, [x, ...starts], { sizes });

/** `x` with a block replaced at run-time starts, clamped so that it fits. */
export const dynamicUpdateSlice = (x: Tensor, update: Tensor, starts: readonly Tensor[]): Tensor =>
  emitOne(dynamicUpdateSliceP, [x, update, ...starts], {});
