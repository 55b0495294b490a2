/** @file Reductions, arg-reductions and cumulative operations in ONNX. */

import { type DType, type Shape, isFloat, sizeOf } from "../../../graph/dtype.ts";
import { highEnd, lowEnd } from "../../../graph/ops/reduce.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Lowering, LoweringContext, Lowerings } from "./context.ts";
import { apply } from "./elementwise.ts";
import { align, insertAxes, ordered, unbroadcast } from "./realise.ts";
import { inMemoryOrder } from "./shape.ts";
import {
  type Dense,
  type View,
  broadcastView,
  dropAxes,
  heldSize,
  layoutOf,
  viewOf,
} from "./view.ts";

interface Axes {
  readonly axes: readonly number[];
}

const without = (shape: Shape, axes: readonly number[]): number[] =>
  shape.filter((_, axis) => !axes.includes(axis));

/** One number in a shape. */
export const filled = (builder: GraphBuilder, value: number, shape: Shape, dtype: DType): View =>
  broadcastView(viewOf(builder.scalar(value, dtype), []), shape, []);

/** Reduces the held axes among `axes` by one ONNX operator; broadcast ones are dropped. */
function reduceHeld(
  builder: GraphBuilder,
  view: View,
  axes: readonly number[],
  make: (x: Dense, places: readonly number[], shape: Shape) => Dense,
): View {
  const shape = without(view.shape, axes);
  const held = axes.filter((axis) => view.strides[axis] !== 0);
  if (held.length === 0) return dropAxes(view, axes);
  const { dense, order, scale } = inMemoryOrder(builder, view);
  const kept = order.filter((axis) => !held.includes(axis));
  const places = held.map((axis) => order.indexOf(axis)).sort((a, b) => a - b);
  const reduced = make(
    dense,
    places,
    kept.map((axis) => view.shape[axis]),
  );
  const renumbered = kept.map((axis) => axis - axes.filter((a) => a < axis).length);
  return { ...ordered(reduced, shape, renumbered), scale };
}

const byOperator =
  (builder: GraphBuilder, opType: string, dtype: DType) =>
  (x: Dense, places: readonly number[], shape: Shape): Dense =>
    builder.op(opType, [builder.cast(x, dtype), builder.ints(places)], {
      shape,
      dtype,
      attributes: { keepdims: { i: 0 } },
    });

/** From this many elements on, sums of rows are products with a row of ones. */
const ROW_SUM_FROM = 1 << 14;
const ROW_SUM_COLUMNS = 16;

/** Sums floats over axes. */
export function sumFloats(builder: GraphBuilder, view: View, axes: readonly number[]): View {
  const layout = layoutOf(view);
  const repeated = axes.filter((axis) => view.strides[axis] === 0);
  const times = sizeOf(repeated.map((axis) => view.shape[axis]));
  const rows = layout.filter((axis) => axes.includes(axis));
  const columns = layout.filter((axis) => !axes.includes(axis));
  const width = sizeOf(columns.map((axis) => view.shape[axis]));
  const isRowSum =
    rows.length > 0 &&
    !axes.includes(layout.at(-1)!) &&
    heldSize(view) >= ROW_SUM_FROM &&
    width >= ROW_SUM_COLUMNS;
  const summed = isRowSum
    ? sumRows(builder, view, rows, columns, axes)
    : reduceHeld(builder, view, axes, (x, places, shape) => {
        const squared = shape.length === 0 ? builder.squareRoot(x) : undefined;
        return squared
          ? byOperator(builder, "ReduceSumSquare", "float32")(squared, allAxes(squared), shape)
          : byOperator(builder, "ReduceSum", "float32")(x, places, shape);
      });
  return times === 1 ? summed : { ...summed, scale: summed.scale * times };
}

const allAxes = ({ shape }: Dense): number[] => shape.map((_, axis) => axis);

/** A sum of matrix rows as a product with a row of ones, the fastest form measured. */
function sumRows(
  builder: GraphBuilder,
  view: View,
  rows: readonly number[],
  columns: readonly number[],
  axes: readonly number[],
): View {
  const count = sizeOf(rows.map((axis) => view.shape[axis]));
  const extents = columns.map((axis) => view.shape[axis]);
  const matrix = align(builder, { ...view, scale: 1 }, [...rows, ...columns]);
  const ones = builder.expand(builder.reshape(builder.scalar(1, "float32"), [1, 1]), [1, count]);
  const product = builder.op("MatMul", [ones, builder.reshape(matrix, [count, sizeOf(extents)])], {
    shape: [1, sizeOf(extents)],
    dtype: "float32",
  });
  const renumbered = columns.map((axis) => axis - axes.filter((a) => a < axis).length);
  const summed = ordered(product, without(view.shape, axes), renumbered);
  return { ...summed, scale: view.scale };
}

/** Integers are reduced in a width that has a kernel, and wrap on the way back. */
const widened = (dtype: DType): DType => (dtype === "int32" ? "int32" : "int64");

function reduceIntegers(
  context: LoweringContext,
  view: View,
  axes: readonly number[],
  opType: string,
): View {
  const { builder } = context;
  const { dtype } = view.dense;
  const needsAll = opType === "ReduceSum" || opType === "ReduceProd";
  const full = needsAll ? unbroadcast(builder, view, axes) : view;
  const reduced = reduceHeld(builder, full, axes, byOperator(builder, opType, widened(dtype)));
  return apply(context, [reduced], dtype, (e, x) => e.cast(x, dtype));
}

/** Maximum or minimum; ONNX Runtime's reductions overlook NaN. */
function extremeFloats(
  context: LoweringContext,
  view: View,
  axes: readonly number[],
  opType: "ReduceMax" | "ReduceMin",
): View {
  const { builder } = context;
  const plain = view.scale === 1 ? view : apply(context, [view], "float32", (_e, x) => x);
  const extreme = reduceHeld(builder, plain, axes, byOperator(builder, opType, "float32"));
  const isNaN = apply(context, [plain], "bool", (e, x) => e.op("IsNaN", [x], "bool"));
  const anyNaN = reduceHeld(builder, isNaN, axes, byOperator(builder, "ReduceMax", "bool"));
  return apply(context, [anyNaN, extreme], "float32", (e, p, x) =>
    e.where(p, e.scalar(NaN, "float32"), x),
  );
}

interface ReductionKernels {
  readonly initial: (dtype: DType) => number;
  readonly float: (context: LoweringContext, view: View, axes: readonly number[]) => View;
  readonly integer: string;
}

const reduction =
  ({ initial, float, integer }: ReductionKernels): Lowering<Axes> =>
  (context, [x], { axes }, { outputs: [y] }) => {
    const { dtype } = x.dense;
    if (sizeOf(x.shape) === 0) return [filled(context.builder, initial(dtype), y.shape, dtype)];
    return [isFloat(dtype) ? float(context, x, axes) : reduceIntegers(context, x, axes, integer)];
  };

const boolReduction =
  (opType: string, initial: number): Lowering<Axes> =>
  ({ builder }, [x], { axes }, { outputs: [y] }) => {
    if (sizeOf(x.shape) === 0) return [filled(builder, initial, y.shape, "bool")];
    return [reduceHeld(builder, x, axes, byOperator(builder, opType, "bool"))];
  };

const productOf = (context: LoweringContext, view: View, axes: readonly number[]): View => {
  const { builder } = context;
  const full = unbroadcast(
    builder,
    view.scale === 1 ? view : apply(context, [view], "float32", (_e, x) => x),
    axes,
  );
  return reduceHeld(builder, full, axes, byOperator(builder, "ReduceProd", "float32"));
};

/** The first index of the extreme; the first NaN wins. */
const argReduction =
  (opType: "ArgMax" | "ArgMin"): Lowering<{ axis: number }> =>
  (context, [x], { axis }, { outputs: [y] }) => {
    const { builder } = context;
    if (x.strides[axis] === 0) return [filled(builder, 0, y.shape, "int32")];
    const find = (view: View, op: string): View => {
      const { dense, order } = inMemoryOrder(
        builder,
        view.scale === 1 ? view : apply(context, [view], "float32", (_e, d) => d),
      );
      const kept = order.filter((a) => a !== axis);
      const wide =
        dense.dtype === "uint32" ? "float64" : dense.dtype === "bool" ? "uint8" : dense.dtype;
      const found = builder.op(op, [builder.cast(dense, wide)], {
        shape: kept.map((a) => x.shape[a]),
        dtype: "int64",
        attributes: { axis: { i: order.indexOf(axis) }, keepdims: { i: 0 } },
      });
      return ordered(
        builder.cast(found, "int32"),
        y.shape,
        kept.map((a) => (a > axis ? a - 1 : a)),
      );
    };
    if (!isFloat(x.dense.dtype)) return [find(x, opType)];
    const isNaN = apply(context, [x], "bool", (e, d) => e.op("IsNaN", [d], "bool"));
    const anyNaN = reduceHeld(builder, isNaN, [axis], byOperator(builder, "ReduceMax", "bool"));
    return [
      apply(context, [anyNaN, find(isNaN, "ArgMax"), find(x, opType)], "int32", (e, p, a, b) =>
        e.where(p, a, b),
      ),
    ];
  };

interface Cumulative {
  readonly axis: number;
  readonly reverse: boolean;
}

const lowerCumSum: Lowering<Cumulative> = ({ builder }, [x], { axis, reverse }) => {
  const full = unbroadcast(builder, x, [axis]);
  if (full.shape[axis] === 1) return [x];
  const { dense, order, scale } = inMemoryOrder(builder, full);
  const { dtype } = dense;
  const wide = isFloat(dtype) ? dtype : widened(dtype);
  const place = builder.scalar(order.indexOf(axis), "int64");
  const summed = builder.op("CumSum", [builder.cast(dense, wide), place], {
    shape: dense.shape,
    dtype: wide,
    attributes: { reverse: { i: Number(reverse) } },
  });
  return [{ ...ordered(builder.cast(summed, dtype), x.shape, order), scale }];
};

/** By doubling: after step k every element is the maximum of the last 2ᵏ. */
const lowerCumMax: Lowering<Cumulative> = ({ builder }, [x], { axis, reverse }) => {
  const n = x.shape[axis];
  if (x.strides[axis] === 0) return [x];
  const order = insertAxes(layoutOf(x), []);
  let dense = align(builder, x, order);
  const at = order.indexOf(axis);
  const { shape, dtype } = dense;
  const part = (from: Dense, start: number, end: number): Dense =>
    builder.op("Slice", [from, ...[[start], [end], [at]].map((list) => builder.ints(list))], {
      shape: shape.map((m, i) => (i === at ? end - start : m)),
      dtype,
    });
  for (let shift = 1; shift < n; shift *= 2) {
    const [early, late] = [part(dense, 0, n - shift), part(dense, shift, n)];
    const larger = builder.op("Max", [early, late], { shape: late.shape, dtype });
    const pieces = reverse ? [larger, part(dense, n - shift, n)] : [part(dense, 0, shift), larger];
    dense = builder.op("Concat", pieces, { shape, dtype, attributes: { axis: { i: at } } });
  }
  return [ordered(dense, x.shape, order)];
};

/** The reducing lowerings by name. */
export const reduceLowerings: Lowerings<
  | "reduceSum"
  | "reduceMax"
  | "reduceMin"
  | "reduceProd"
  | "reduceAnd"
  | "reduceOr"
  | "argMax"
  | "argMin"
  | "cumSum"
  | "cumMax"
> = {
  reduceSum: reduction({
    initial: () => 0,
    float: ({ builder }, view, axes) => sumFloats(builder, view, axes),
    integer: "ReduceSum",
  }),
  reduceMax: reduction({
    initial: (dtype) => lowEnd({ shape: [], dtype }),
    float: (context, view, axes) => extremeFloats(context, view, axes, "ReduceMax"),
    integer: "ReduceMax",
  }),
  reduceMin: reduction({
    initial: (dtype) => highEnd({ shape: [], dtype }),
    float: (context, view, axes) => extremeFloats(context, view, axes, "ReduceMin"),
    integer: "ReduceMin",
  }),
  reduceProd: reduction({ initial: () => 1, float: productOf, integer: "ReduceProd" }),
  reduceAnd: boolReduction("ReduceMin", 1),
  reduceOr: boolReduction("ReduceMax", 0),
  argMax: argReduction("ArgMax"),
  argMin: argReduction("ArgMin"),
  cumSum: lowerCumSum,
  cumMax: lowerCumMax,
};
