/** @file Indexed access in StableHLO: gather, scatter-add, dynamic slices. */

import { type Shape, sizeOf } from "../../../../graph/dtype.ts";
import type { AttrsOf } from "../../../../graph/ops/index.ts";
import { settleUpdates } from "../../../../graph/ops/scatter.ts";
import { traceRegion } from "../../../../graph/program.ts";
import { type Builder, type Value, dimensions } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { i64s } from "../text.ts";
import { writePad } from "./pad.ts";
import { combiner, widened } from "./reduce.ts";

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i);

/** Indices in a type that every extent fits into, and in each element its sign: all bits of it, or none. */
function asIndex(b: Builder, x: Value): { index: Value; sign: Value } {
  const index = b.convert(x, x.dtype === "uint32" || x.dtype === "int64" ? "int64" : "int32");
  const width = index.dtype === "int64" ? 64 : 32;
  return { index, sign: b.map("shift_right_arithmetic", index, b.full(index, width - 1)) };
}

// XLA drops its own handling of negative indices where it takes them for impossible, as it does after |x| and x · x,
// which overflow. Bits it does not reason about, so negative indices are replaced by their sign bits.

/** Indices with 0 in the place of negative ones. */
function raised(b: Builder, x: Value): Value {
  const { index, sign } = asIndex(b, x);
  return b.map("and", index, b.map("not", sign));
}

/** Indices with one beyond every extent in the place of negative ones. */
function withoutNegative(b: Builder, x: Value): Value {
  const { index, sign } = asIndex(b, x);
  const one = b.full(index, 1);
  const largest = b.map("shift_right_logical", b.full(index, -1), one);
  return b.map("and", b.map("or", index, sign), largest);
}

/** The axes of the result that run over the operand, not over the indices. */
function windowAxes(
  operand: Value,
  indices: Value,
  { axis, batchDims }: AttrsOf<"gather">,
): number[] {
  const indexRank = indices.shape.length - batchDims;
  const rank = operand.shape.length - 1 + indexRank;
  return [...range(batchDims, axis), ...range(axis + indexRank, rank)];
}

const gather: Lowering<AttrsOf<"gather">> = ({
  b,
  inputs: [operand, raw],
  outputs: [out],
  attrs,
}) => {
  if (sizeOf(out.shape) === 0) return [b.full(out, 0)];
  const indices = raised(b, raw);
  const { axis, batchDims } = attrs;
  const shared = range(0, batchDims);
  return [
    b.one("gather", [operand, indices], out, {
      dimension_numbers: dimensions("gather", {
        offset_dims: windowAxes(operand, indices, attrs),
        collapsed_slice_dims: [axis],
        operand_batching_dims: shared,
        start_indices_batching_dims: shared,
        start_index_map: [axis],
        index_vector_dim: indices.shape.length,
      }),
      slice_sizes: i64s(operand.shape.map((n, i) => (i === axis || i < batchDims ? 1 : n))),
    }),
  ];
};

/**
 * One index with its update, and beside it one that is dropped. Of a lone update XLA makes dynamic slices, and merges them
 * with those by which each of several devices takes its part, though either of the two clamps its own start.
 */
function withDropped(
  b: Builder,
  indices: Value,
  updates: Value,
  { axis, batchDims }: AttrsOf<"gather">,
): [Value, Value] {
  const isScalar = indices.shape.length === batchDims;
  const twice = (x: Value, at: number, rest: Value): Value => {
    const shape = isScalar ? x.shape.toSpliced(at, 0, 1) : x.shape;
    const pad = (n: number): number[] => shape.map((_, i) => (i === at ? n : 0));
    const out = { shape: shape.with(at, 2), dtype: x.dtype };
    const amounts = { low: pad(0), high: pad(1), interior: pad(0) };
    return writePad(b, b.reshape(x, shape), rest, out, amounts);
  };
  const beyond = 2 ** 31 - 1;
  return [
    twice(indices, batchDims, b.scalar(beyond, indices.dtype)),
    twice(updates, axis, b.scalar(0, updates.dtype)),
  ];
}

/** Updates written to an operand, one by one, by a block that makes the new element of the old one and an update. */
function scatterInto(
  b: Builder,
  [operand, ...written]: readonly Value[],
  { axis, batchDims }: AttrsOf<"gather">,
  block: string,
): Value {
  let [indices, updates] = written;
  if (b.mesh && sizeOf(indices.shape) === 1) {
    [indices, updates] = withDropped(b, indices, updates, { axis, batchDims });
  }
  const shared = range(0, batchDims);
  const attributes = {
    scatter_dimension_numbers: dimensions("scatter", {
      update_window_dims: windowAxes(operand, indices, { axis, batchDims }),
      inserted_window_dims: [axis],
      input_batching_dims: shared,
      scatter_indices_batching_dims: shared,
      scatter_dims_to_operand_dims: [axis],
      index_vector_dim: indices.shape.length,
    }),
  };
  return b.one("scatter", [operand, indices, updates], operand, attributes, [block]);
}

const isIdle = ([operand, , updates]: readonly Value[]): boolean =>
  sizeOf(updates.shape) === 0 || sizeOf(operand.shape) === 0;

const scatterAdd: Lowering<AttrsOf<"scatterAdd">> = ({ b, inputs, attrs }) => {
  const [operand, raw, updates] = inputs;
  if (isIdle(inputs)) return [operand];
  const indices = withoutNegative(b, raw);
  const add = (wide: Value): Value => {
    const operands = [wide, indices, b.convert(updates, wide.dtype)];
    return scatterInto(b, operands, attrs, combiner(b, "add", wide.dtype));
  };
  return [widened(b, operand, add)];
};

/** On CPUs updates are written in order; elsewhere the order is open, and must not matter. */
const scatterSet: Lowering<AttrsOf<"scatterSet">> = ({ b, inputs, attrs, inline }) => {
  const [operand, raw, updates] = inputs;
  if (isIdle(inputs)) return [operand];
  const element = { shape: [], dtype: operand.dtype };
  const block = b.region([element, element], ([, update]) => [update]);
  if (b.target.platform === "cpu") {
    return [scatterInto(b, [operand, withoutNegative(b, raw), updates], attrs, block)];
  }
  const specs = inputs.map(({ shape, dtype }) => ({ shape, dtype }));
  const { program } = traceRegion(specs, (...operands) => settleUpdates(operands, attrs));
  const [indices, settled] = inline(program, inputs);
  return [scatterInto(b, [operand, indices, settled], attrs, block)];
};

const scatterExtreme =
  (combine: "maximum" | "minimum"): Lowering<AttrsOf<"scatterMax">> =>
  ({ b, inputs, attrs }) => {
    const [operand, raw, updates] = inputs;
    if (isIdle(inputs)) return [operand];
    const block = combiner(b, combine, operand.dtype);
    return [scatterInto(b, [operand, withoutNegative(b, raw), updates], attrs, block)];
  };

/**
 * Starts of one type, as dynamic slices want them, with the slice inside: XLA clamps them itself, but not where it divides
 * an update among devices.
 */
function asStarts(b: Builder, starts: readonly Value[], shape: Shape, sizes: Shape): Value[] {
  const inside = starts.map((start, axis) => {
    const index = raised(b, start);
    return b.map("minimum", index, b.full(index, shape[axis] - sizes[axis]));
  });
  return inside.some(({ dtype }) => dtype === "int64")
    ? inside.map((start) => b.convert(start, "int64"))
    : inside;
}

const dynamicSlice: Lowering<AttrsOf<"dynamicSlice">> = ({
  b,
  inputs: [x, ...starts],
  outputs: [out],
  attrs: { sizes },
}) => {
  const operands = [x, ...asStarts(b, starts, x.shape, sizes)];
  return [b.one("dynamic_slice", operands, out, { slice_sizes: i64s(sizes) })];
};

const dynamicUpdateSlice: Lowering<AttrsOf<"dynamicUpdateSlice">> = ({
  b,
  inputs: [x, update, ...starts],
  outputs: [out],
}) => {
  const operands = [x, update, ...asStarts(b, starts, x.shape, update.shape)];
  return [b.one("dynamic_update_slice", operands, out)];
};

export const gatherLowerings = {
  gather,
  scatterAdd,
  scatterSet,
  scatterMax: scatterExtreme("maximum"),
  scatterMin: scatterExtreme("minimum"),
  dynamicSlice,
  dynamicUpdateSlice,
};
