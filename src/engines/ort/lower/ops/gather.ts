/** @file Indexed access in ONNX: rows by index, clamped or dropped at the edges. */

import {
  type DType,
  type Shape,
  byteSize,
  isFloat,
  sizeOf,
  stridesOf,
} from "../../../../graph/dtype.ts";
import { type GatherDimensions, indexAxes } from "../../../../graph/ops/indexing.ts";
import { highEnd, lowEnd } from "../../../../graph/ops/reduce.ts";
import { settleUpdates } from "../../../../graph/ops/scatter.ts";
import { traceRegion } from "../../../../graph/program.ts";
import { uniformValue } from "../../../../graph/simplify.ts";
import { type Equation, type Tensor, specOf } from "../../../../graph/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Lowering, LoweringContext, Lowerings } from "../context.ts";
import { apply } from "./apply.ts";
import { align, ordered, rowMajor } from "../realise.ts";
import { type Dense, type View, broadcastView, viewOf } from "../view.ts";

/** The operand of a gather or scatter as rows: axes [batch…, axis, rest…] in the order of `order`. */
interface Rows {
  readonly order: readonly number[];
  readonly batch: Shape;
  readonly count: number;
  readonly rest: Shape;
}

function rowsOf(shape: Shape, { axis, batchDims }: GatherDimensions): Rows {
  const axes = shape.map((_, i) => i);
  const rest = axes.filter((i) => i >= batchDims && i !== axis);
  return {
    order: [...axes.slice(0, batchDims), axis, ...rest],
    batch: shape.slice(0, batchDims),
    count: shape[axis],
    rest: rest.map((i) => shape[i]),
  };
}

/** Flat row numbers over all batches, from indices within each batch. */
function flatRows(context: LoweringContext, indices: View, { batch, count }: Rows): View {
  const { builder } = context;
  const n = sizeOf(batch);
  if (n === 1) return indices;
  const strides = stridesOf(batch);
  return batch.reduce((sum, extent, axis) => {
    if (extent === 1) return sum;
    const range = viewOf(builder.range(extent, "int64"));
    const along = broadcastView(range, indices.shape, [axis]);
    const step = builder.scalar(strides[axis] * count, "int64");
    return apply(context, [sum, along], "int64", (e, a, b) =>
      e.op("Add", [a, e.op("Mul", [b, step])]),
    );
  }, indices);
}

/** Integers moved into [0, last], as int64; in their own dtype, for the kernels of int64 err beyond 32 bits. */
export function limit(builder: GraphBuilder, x: Dense, last: number): Dense {
  const { shape, dtype } = x;
  const raised =
    dtype === "int32" ? builder.op("Max", [x, builder.scalar(0, dtype)], { shape, dtype }) : x;
  const end = dtype === "uint8" ? Math.min(last, 255) : last;
  const limited = builder.op("Min", [raised, builder.scalar(end, dtype)], { shape, dtype });
  return builder.cast(limited, "int64");
}

/** Indices moved into [0, count). */
const clamped = (context: LoweringContext, indices: View, count: number): View =>
  apply(context, [indices], "int64", (e, x) => limit(e.builder, x, count - 1));

/** The result axes of a gather in the order [batch…, index…, rest…] in which rows come. */
function gatheredOrder(
  indexRank: number,
  rank: number,
  { axis, batchDims }: GatherDimensions,
): number[] {
  const resultRank = rank - 1 + indexRank;
  const all = Array.from({ length: resultRank }, (_, i) => i);
  const places = all.slice(axis, axis + indexRank);
  return [
    ...all.slice(0, batchDims),
    ...places,
    ...all.slice(batchDims, axis),
    ...all.slice(axis + indexRank),
  ];
}

const lowerGather: Lowerings<"gather">["gather"] = (
  context,
  [x, indices],
  dims,
  { outputs: [y] },
) => {
  const { builder } = context;
  const rows = rowsOf(x.shape, dims);
  const indexShape = indices.shape.slice(dims.batchDims);
  const table = builder.reshape(align(builder, x, rows.order, "full"), [
    sizeOf(rows.batch) * rows.count,
    ...rows.rest,
  ]);
  const flat = flatRows(context, clamped(context, indices, rows.count), rows);
  const order = gatheredOrder(indexShape.length, x.shape.length, dims);
  const places = rowMajor(builder, flat);
  const picked = builder.op("Gather", [table, places], {
    shape: [...places.shape, ...rows.rest],
    dtype: table.dtype,
    attributes: { axis: { i: 0 } },
  });
  return [ordered(picked, y.shape, order)];
};

/** How an update meets the element that is there. */
type Reduction = "none" | "add" | "max" | "min";

/** The dtype in which ONNX Runtime reduces numbers of another: it has no kernels for unsigned ones. */
function reducible(dtype: DType, reduction: Reduction): DType {
  if (reduction === "none") return dtype;
  if (dtype === "uint32" && reduction !== "add") return "int64";
  return dtype === "uint8" ? "int32" : dtype;
}

/** Updates written to `rows[indices[i]]` along the first axis; indices must be in range. */
export function scatterRows(
  { builder, maxStorageBytes }: LoweringContext,
  rows: View,
  indices: View,
  updates: View,
  reduction: Reduction = "add",
): Dense {
  const table = rowMajor(builder, rows);
  const dtype = reducible(table.dtype, reduction);
  const count = sizeOf(indices.shape);
  const width = sizeOf(table.shape.slice(1));
  const places = builder.cast(builder.reshape(rowMajor(builder, indices), [count, 1]), "int64");
  const flat = (x: Dense): Dense => builder.reshape(builder.cast(x, dtype), [x.shape[0], width]);
  const [before, given] = [table, rowMajor(builder, updates)].map(flat);
  const scatter = (rest: Dense, at: Dense, values: Dense): Dense =>
    builder.op("ScatterND", [rest, at, values], {
      shape: rest.shape,
      dtype,
      attributes: { reduction: { s: reduction } },
    });
  const inOrder = reduction === "none";
  const parts = inOrder
    ? { rows: [count], columns: [width] }
    : serialParts(builder, before.shape[0], given.shape);
  const heights = parts.rows;
  // the kernel on a GPU sees a table in one piece alone
  const widest = Math.floor(maxStorageBytes / (before.shape[0] * byteSize(dtype)));
  const most = Math.max(1, Math.min(width, widest));
  const columns = parts.columns.flatMap((size) => equalParts(size, most));
  const at = inOrder ? [places] : cut(builder, places, 0, heights);
  const strips = cut(builder, given, 1, columns);
  const tables = cut(builder, before, 1, columns);
  const written = tables.map((strip, c) => {
    const pieces = at.length === 1 ? [strips[c]] : cut(builder, strips[c], 0, heights);
    return pieces.reduce((rest, part, r) => scatter(rest, at[r], part), strip);
  });
  const joined =
    written.length === 1
      ? written[0]
      : builder.op("Concat", written, { ...before, attributes: { axis: { i: 1 } } });
  return builder.cast(builder.reshape(joined, table.shape), table.dtype);
}

/** From 210,000 elements on, by its cost model, ONNX Runtime's ScatterND writes with several threads. */
const SERIAL = 200_000;
/** What addressing an update costs, in copied elements. */
const ADDRESSING = 10;

/**
 * How many rows and columns of the updates to write at a time. Threads that add to one row at once lose each other's sums,
 * so what is reduced is written in parts that one thread writes alone: the table is copied for each part of the rows, the
 * indices are read for each part of the columns.
 */
function serialParts(
  { sizes }: GraphBuilder,
  tableRows: number,
  [count, width]: Shape,
): { rows: number[]; columns: number[] } {
  if ([count, width, tableRows].some((n) => sizes.isOpen(n)) || count * width <= SERIAL) {
    return { rows: [count], columns: [width] };
  }
  const parts = (count * width) / SERIAL;
  const best = Math.sqrt((parts * tableRows * width) / (ADDRESSING * count));
  const across = Math.min(width, Math.max(1, Math.ceil(best)));
  const columns = equalParts(width, Math.ceil(width / across));
  return { rows: equalParts(count, Math.max(1, Math.floor(SERIAL / columns[0]))), columns };
}

/** A size in parts of at most so many. */
const equalParts = (size: number, most: number): number[] =>
  Array.from({ length: Math.ceil(size / most) }, (_, i) => Math.min(most, size - i * most));

/** A matrix in parts of given sizes along an axis. */
function cut(builder: GraphBuilder, x: Dense, axis: 0 | 1, sizes: readonly number[]): Dense[] {
  if (sizes.length === 1) return [x];
  const attributes = { axis: { i: axis } };
  const names = builder.node("Split", [x.name, builder.ints(sizes)], sizes.length, { attributes });
  const shapeOf = (n: number): Shape => x.shape.map((m, i) => (i === axis ? n : m));
  return names.map((name, i) => ({ name, shape: shapeOf(sizes[i]), dtype: x.dtype }));
}

/** Updates written into an operand at indices that are in range, int64. */
function scatterInto(
  context: LoweringContext,
  [x, near, updates]: readonly View[],
  dims: GatherDimensions,
  reduction: Reduction,
): View {
  const { builder } = context;
  const rows = rowsOf(x.shape, dims);
  const order = gatheredOrder(near.shape.length - dims.batchDims, x.shape.length, dims);
  const count = sizeOf(near.shape);
  const total = sizeOf(rows.batch) * rows.count;
  const table = builder.reshape(align(builder, x, rows.order, "full"), [total, ...rows.rest]);
  const rowUpdates = builder.reshape(align(builder, updates, order, "full"), [count, ...rows.rest]);
  const flat = viewOf(rowMajor(builder, flatRows(context, near, rows)), [count]);
  const written = scatterRows(context, viewOf(table), flat, viewOf(rowUpdates), reduction);
  return ordered(written, x.shape, rows.order);
}

/** Indices in range, and updates that change nothing where theirs were not. */
function withoutOutside(
  context: LoweringContext,
  [x, indices, updates]: readonly View[],
  dims: GatherDimensions,
  neutral: number,
  { inputs }: Equation,
): { near: View; kept: View } {
  const near = clamped(context, indices, x.shape[dims.axis]);
  if (isClamped(inputs[1], x.shape[dims.axis])) return { near, kept: updates };
  const inside = apply(context, [indices, near], "bool", (e, a, b) =>
    e.op("Equal", [e.cast(a, "int64"), b], "bool"),
  );
  const { dtype } = x.dense;
  const kept = apply(
    context,
    [broadcastView(inside, updates.shape, indexAxes(inputs[1], dims)), updates],
    dtype,
    (e, p, a) => e.where(p, a, e.scalar(neutral, dtype)),
  );
  return { near, kept };
}

/** Whether indices were limited to an axis, as those of a gather's gradient are: then none is outside. */
function isClamped({ equation, dtype }: Tensor, count: number): boolean {
  if (equation?.primitive.name !== "min") return false;
  const [raised, last] = equation.inputs;
  const largest = uniformValue(last);
  if (largest === undefined || largest >= count) return false;
  const { equation: raise } = raised;
  return (
    dtype.startsWith("uint") ||
    (raise?.primitive.name === "max" && uniformValue(raise.inputs[1])! >= 0)
  );
}

const lowerScatterAdd: Lowerings<"scatterAdd">["scatterAdd"] = (
  context,
  inputs,
  dims,
  equation,
) => {
  const [x, , updates] = inputs;
  if (sizeOf(updates.shape) === 0) return [x];
  const { near, kept } = withoutOutside(context, inputs, dims, 0, equation);
  return [scatterInto(context, [x, near, kept], dims, "add")];
};

const lowerScatterSet: Lowerings<"scatterSet">["scatterSet"] = (
  context,
  inputs,
  dims,
  equation,
) => {
  const [x, , updates] = inputs;
  if (sizeOf(updates.shape) === 0) return [x];
  const { program } = traceRegion(equation.inputs.map(specOf), (...operands) =>
    settleUpdates(operands, dims),
  );
  const [indices, settled] = context.inlineMade(program, inputs);
  const near = apply(context, [indices], "int64", (e, i) => e.cast(i, "int64"));
  return [scatterInto(context, [x, near, settled], dims, "none")];
};

/** The kernels compare NaN as they like: numbers without it, and zeros that are NaN where it was, are put together again. */
const lowerScatterExtreme =
  (reduction: "max" | "min"): Lowering<GatherDimensions> =>
  (context, inputs, dims, equation) => {
    const [x, , updates] = inputs;
    if (sizeOf(updates.shape) === 0) return [x];
    const { dtype } = x.dense;
    const neutral = (reduction === "max" ? lowEnd : highEnd)({ shape: [], dtype });
    const { near, kept } = withoutOutside(context, inputs, dims, neutral, equation);
    if (!isFloat(dtype)) return [scatterInto(context, [x, near, kept], dims, reduction)];
    const number = (view: View): View =>
      apply(context, [view], dtype, (e, a) =>
        e.where(e.op("IsNaN", [a], "bool"), e.scalar(neutral, dtype), a),
      );
    const mark = (view: View): View =>
      apply(context, [view], dtype, (e, a) =>
        e.where(e.op("IsNaN", [a], "bool"), e.scalar(NaN, dtype), e.scalar(0, dtype)),
      );
    const best = scatterInto(context, [number(x), near, number(kept)], dims, reduction);
    const marks = scatterInto(context, [mark(x), near, mark(kept)], dims, "add");
    return [apply(context, [best, marks], dtype, (e, a, b) => e.op("Add", [a, b]))];
  };

/** The lowerings of indexed access by name. */
export const gatherLowerings: Lowerings<
  "gather" | "scatterAdd" | "scatterSet" | "scatterMax" | "scatterMin"
> = {
  gather: lowerGather,
  scatterAdd: lowerScatterAdd,
  scatterSet: lowerScatterSet,
  scatterMax: lowerScatterExtreme("max"),
  scatterMin: lowerScatterExtreme("min"),
};
