/** @file Access by index: gather and scatter-add, and NumPy's take over them. */

import { type DType, isInteger, sizeOf } from "../dtype.ts";
import { type Primitive, type Tensor, dtypeError, emitOne, shapeError } from "../tensor.ts";
import { allocate, forEachIndex, gatherValue, offsetOf, roundValue } from "../values.ts";
import { broadcastBatch, broadcastTo } from "./broadcast.ts";
import { iota, zerosLike } from "./constant.ts";
import {
  type GatherDimensions,
  addresses,
  checkIndices,
  clampIndex,
  gatheredShape,
  indexPlaces,
  insideOf,
} from "./indexing.ts";
import { convert, equal, select } from "./select.ts";
import { axisOf, expandDims, moveAxis } from "./shape.ts";

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
        clampIndex(indices, operand.shape[attrs.axis] - 1),
        d,
        attrs,
      ),
    null,
  ],
  batch(context) {
    const { inputs, batched, attrs } = context;
    const { axis, batchDims } = attrs;
    if (batchDims === 0 && !batched[1])
      return [emitOne(gatherP, inputs, { axis: axis + 1, batchDims })];
    if (batchDims === 0 && !batched[0]) return [moveAxis(emitOne(gatherP, inputs, attrs), axis, 0)];
    const both = { axis: axis + 1, batchDims: batchDims + 1 };
    return [emitOne(gatherP, broadcastBatch(context), both)];
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

/** What a scatter's updates receive: the element they were added to, zero where they were dropped. */
export function gatherOrZero(
  d: Tensor,
  indices: Tensor,
  operand: Tensor,
  dims: GatherDimensions,
): Tensor {
  if (operand.shape[dims.axis] === 0) {
    return zerosLike({ dtype: d.dtype, shape: gatheredShape(operand, indices, dims) });
  }
  const rows = emitOne(gatherP, [d, indices], dims);
  const kept = indexPlaces(insideOf(operand, indices, dims), rows.shape, dims);
  return select(kept, rows, zerosLike(rows));
}

export type { GatherDimensions } from "./indexing.ts";

/** The indexing primitives by name. */
export const gatherPrimitives = { gather: gatherP, scatterAdd: scatterAddP };

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

/** One-hot rows [..., depth]; an index outside gives a zero row. */
export function oneHot(indices: Tensor, depth: number, dtype: DType = "float32"): Tensor {
  if (!isInteger(indices.dtype)) throw dtypeError("oneHot", [indices], "indices must be integers");
  const places = iota([...indices.shape, depth], "int32", indices.rank);
  const wide = broadcastTo(expandDims(convert(indices, "int32"), -1), places.shape);
  return convert(equal(wide, places), dtype);
}
