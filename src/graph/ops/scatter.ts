/** @file Writing by index: scatter that sets, and scatter that takes the larger or the smaller number. */

import { sameShape, sizeOf } from "../dtype.ts";
import {
  type Cotangent,
  type Primitive,
  type Spec,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
} from "../tensor.ts";
import { forEachIndex, offsetOf } from "../values.ts";
import { logicalAnd, maximum } from "./binary.ts";
import { div } from "./arithmetic.ts";
import { broadcastBatch } from "./broadcast.ts";
import { full, iota, zerosLike } from "./constant.ts";
import { gather, gatherOrZero, scatterAdd } from "./gather.ts";
import {
  type GatherDimensions,
  addresses,
  checkIndices,
  clampIndex,
  gatheredShape,
  indexPlaces,
  insideOf,
} from "./indexing.ts";
import { convert, equal, greaterEqual, select } from "./select.ts";
import { reshape } from "./shape.ts";

function checkScatter(operation: string, inputs: readonly Spec[], dims: GatherDimensions): Spec {
  checkIndices(operation, inputs, dims);
  const [operand, indices, updates] = inputs;
  const shape = gatheredShape(operand, indices, dims);
  if (!sameShape(updates.shape, shape)) {
    throw shapeError(operation, inputs, `updates must have shape [${shape}]`);
  }
  if (updates.dtype !== operand.dtype) {
    throw dtypeError(operation, inputs, "operand and updates must share one dtype");
  }
  if (operand.dtype === "bool" && operation !== "scatterSet") {
    throw dtypeError(operation, inputs, "takes numbers");
  }
  return { shape: operand.shape, dtype: operand.dtype };
}

/** A scatter whose `combine` makes the new element of the one that is there and an update, in the order of the indices. */
function scatter<N extends string>(
  name: N,
  combine: (old: number, update: number) => number,
  gradient: Primitive<N, GatherDimensions>["gradient"],
): Primitive<N, GatherDimensions> {
  const primitive: Primitive<N, GatherDimensions> = {
    name,
    infer: (inputs, dims) => [checkScatter(name, inputs, dims)],
    gradient,
    batch(context) {
      const { axis, batchDims } = context.attrs;
      const attrs = { axis: axis + 1, batchDims: batchDims + 1 };
      return [emitOne(primitive, broadcastBatch(context), attrs)];
    },
    interpret([operand, indices, updates], dims) {
      const { shape, stride, operandStrides, indexStrides } = addresses(operand, indices, dims);
      const data = operand.data.slice();
      const n = operand.shape[dims.axis];
      forEachIndex(shape, (flat, index) => {
        const k = indices.data[offsetOf(index, indexStrides)];
        if (!(k >= 0 && k < n)) return;
        const at = offsetOf(index, operandStrides) + k * stride;
        data[at] = combine(data[at], updates.data[flat]);
      });
      return [{ shape: operand.shape, dtype: operand.dtype, data }];
    },
    flops: ([, , updates]) => sizeOf(updates.shape),
  };
  return primitive;
}

const scatterSetP: Primitive<"scatterSet", GatherDimensions> = scatter(
  "scatterSet",
  (_old, update) => update,
  ({ inputs: [operand, indices, updates], attrs, needs }, [d]): Cotangent[] => {
    if (!d) return [null, null, null];
    const ofUpdates = (): Tensor => {
      const { last, order } = lastWriters(operand, indices, attrs);
      const kept = indexPlaces(equal(last, order), updates.shape, attrs);
      return select(kept, gatherOrZero(d, indices, operand, attrs), zerosLike(updates));
    };
    return [
      needs[0] ? emitOne(scatterSetP, [d, indices, zerosLike(updates)], attrs) : null,
      null,
      needs[2] ? ofUpdates() : null,
    ];
  },
);

/** All that attain the result share its cotangent equally: updates, and the element that was there. */
const extremeGradient: Primitive<string, GatherDimensions>["gradient"] = (
  { inputs: [operand, indices, updates], outputs: [y], attrs, needs },
  [d],
): Cotangent[] => {
  if (!d) return [null, null, null];
  const stays = equal(operand, y);
  const reached = gatherOrZero(y, indices, operand, attrs);
  const inside = indexPlaces(insideOf(operand, indices, attrs), updates.shape, attrs);
  const attains = logicalAnd(equal(updates, reached), inside);
  const count = scatterAdd(convert(stays, d.dtype), indices, convert(attains, d.dtype), attrs);
  const share = div(d, maximum(count, 1)); // where there is NaN, nothing attains it
  return [
    needs[0] ? select(stays, share, zerosLike(share)) : null,
    null,
    needs[2]
      ? select(attains, gatherOrZero(share, indices, operand, attrs), zerosLike(updates))
      : null,
  ];
};

const scatterMaxP: Primitive<"scatterMax", GatherDimensions> = scatter(
  "scatterMax",
  Math.max,
  extremeGradient,
);
const scatterMinP: Primitive<"scatterMin", GatherDimensions> = scatter(
  "scatterMin",
  Math.min,
  extremeGradient,
);

/**
 * The place of each index in their order, and of the last index that addresses the same element: of indices outside, of
 * those at the edge; −1 where there is none.
 */
function lastWriters(
  operand: Spec,
  indices: Tensor,
  { axis, batchDims }: GatherDimensions,
): { last: Tensor; order: Tensor } {
  const batch = indices.shape.slice(0, batchDims);
  const count = sizeOf(indices.shape.slice(batchDims));
  const order = reshape(iota([...batch, count], "int32", batchDims), indices.shape);
  const n = operand.shape[axis];
  if (n === 0) return { last: full(indices.shape, -1, "int32"), order };
  const dims = { axis: batchDims, batchDims };
  const none = full([...batch, n], -1, "int32");
  const writers = emitOne(scatterMaxP, [none, indices, order], dims);
  return { last: gather(writers, clampIndex(indices, n - 1), dims), order };
}

/**
 * For engines whose scatter knows neither an order nor indices outside: indices inside, and updates that all are what
 * their element becomes, so that it does not matter which of them is written last.
 */
export function settleUpdates(
  [operand, indices, updates]: readonly Tensor[],
  dims: GatherDimensions,
): [indices: Tensor, updates: Tensor] {
  const { axis, batchDims } = dims;
  const near = clampIndex(indices, operand.shape[axis] - 1);
  const { last } = lastWriters(operand, indices, dims);
  const rest = updates.shape.slice(axis + indices.rank - batchDims);
  const rows = reshape(updates, [...updates.shape.slice(0, axis), -1, ...rest]);
  const isWritten = indexPlaces(greaterEqual(last, 0), updates.shape, dims);
  return [near, select(isWritten, gather(rows, last, dims), gather(operand, near, dims))];
}

/** The scattering primitives by name. */
export const scatterPrimitives = {
  scatterSet: scatterSetP,
  scatterMax: scatterMaxP,
  scatterMin: scatterMinP,
};

const lift =
  (primitive: Primitive<string, GatherDimensions>) =>
  (
    operand: Tensor,
    indices: Tensor,
    updates: Tensor,
    { axis = 0, batchDims = 0 }: Partial<GatherDimensions> = {},
  ): Tensor =>
    emitOne(primitive, [operand, indices, updates], { axis, batchDims });

/**
 * `operand` with `updates` (shaped as {@link gather}'s result) in the places of its slices; indices outside are dropped,
 * and where an index comes more than once, its last update stays.
 */
export const scatterSet = lift(scatterSetP);
/** The larger of each element and its updates, NaN if any is; indices outside are dropped. Ties share the cotangent equally. */
export const scatterMax = lift(scatterMaxP);
/** The smaller of each element and its updates, NaN if any is; indices outside are dropped. Ties share the cotangent equally. */
export const scatterMin = lift(scatterMinP);
