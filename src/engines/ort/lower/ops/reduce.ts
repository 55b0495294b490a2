/** @file Reductions in ONNX. */

import { type DType, type Shape, isFloat, sizeOf } from "../../../../graph/dtype.ts";
import { highEnd, lowEnd } from "../../../../graph/ops/reduce.ts";
import { sumOverSpace } from "../images/blocked-channels.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Lowering, LoweringContext, Lowerings } from "../context.ts";
import { apply } from "./apply.ts";
import { align, ordered, unbroadcast, unscaled } from "../realise.ts";
import { turnedWords } from "./integer.ts";
import { inMemoryOrder, reshaped } from "./shape.ts";
import {
  type Dense,
  type View,
  broadcastView,
  dropAxes,
  heldSize,
  layoutOf,
  viewOf,
} from "../view.ts";

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
function sumFloats(builder: GraphBuilder, view: View, axes: readonly number[]): View {
  const pooled = sumOverSpace(builder, view, axes);
  if (pooled) {
    const rest = sumFloats(builder, pooled.view, pooled.axes);
    return reshaped(builder, rest, without(view.shape, axes));
  }
  const layout = layoutOf(view);
  const repeated = axes.filter((axis) => view.strides[axis] === 0);
  const times = sizeOf(repeated.map((axis) => view.shape[axis]));
  const rows = layout.filter((axis) => axes.includes(axis));
  const columns = layout.filter((axis) => !axes.includes(axis));
  const width = sizeOf(columns.map((axis) => view.shape[axis]));
  const isRowSum =
    rows.length > 0 &&
    !axes.includes(layout.at(-1)!) &&
    !builder.sizes.exceeds(ROW_SUM_FROM, heldSize(view)) &&
    !builder.sizes.exceeds(ROW_SUM_COLUMNS, width);
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

/** A sum of matrix rows as a product with a row of ones: the fastest form measured, and for integers the one that wraps. */
function sumRows(
  builder: GraphBuilder,
  view: View,
  rows: readonly number[],
  columns: readonly number[],
  axes: readonly number[],
): View {
  const count = sizeOf(rows.map((axis) => view.shape[axis]));
  const extents = columns.map((axis) => view.shape[axis]);
  const { dtype } = view.dense;
  const matrix = align(builder, { ...view, scale: 1 }, [...rows, ...columns]);
  const ones = builder.expand(builder.reshape(builder.scalar(1, dtype), [1, 1]), [1, count]);
  const product = builder.op("MatMul", [ones, builder.reshape(matrix, [count, sizeOf(extents)])], {
    shape: [1, sizeOf(extents)],
    dtype,
  });
  const renumbered = columns.map((axis) => axis - axes.filter((a) => a < axis).length);
  const summed = ordered(product, without(view.shape, axes), renumbered);
  return { ...summed, scale: view.scale };
}

/** Bytes are reduced as int32, and wrap on the way back: they have no kernels. */
const asWords = (builder: GraphBuilder, view: View): View => ({
  ...view,
  dense: builder.cast(view.dense, view.dense.dtype === "uint8" ? "int32" : view.dense.dtype),
});

/** Sums integers; ONNX Runtime's own sums saturate, or go through doubles. */
function sumIntegers(context: LoweringContext, view: View, axes: readonly number[]): View {
  const { builder } = context;
  const { dtype } = view.dense;
  const layout = layoutOf(view);
  const rows = layout.filter((axis) => axes.includes(axis));
  const columns = layout.filter((axis) => !axes.includes(axis));
  const repeated = axes.filter((axis) => view.strides[axis] === 0);
  const times = sizeOf(repeated.map((axis) => view.shape[axis]));
  const words = asWords(builder, view);
  const summed =
    rows.length === 0 ? dropAxes(words, axes) : sumRows(builder, words, rows, columns, axes);
  return apply(context, [summed], dtype, (e, x) =>
    e.cast(times === 1 ? x : e.op("Mul", [x, e.scalar(times, x.dtype)]), dtype),
  );
}

/** Multiplies integers by halving, with products that wrap; ONNX Runtime's reduction saturates. */
function multiplyIntegers(context: LoweringContext, view: View, axes: readonly number[]): View {
  const { builder } = context;
  const full = asWords(builder, unbroadcast(builder, view, axes));
  const layout = layoutOf(full);
  const rows = layout.filter((axis) => axes.includes(axis));
  const columns = layout.filter((axis) => !axes.includes(axis));
  const sizes = [rows, columns].map((list) => sizeOf(list.map((axis) => full.shape[axis])));
  const [count, width] = sizes;
  let matrix = builder.reshape(align(builder, full, [...rows, ...columns]), sizes);
  const { dtype } = matrix;
  const part = (from: number, to: number): Dense =>
    builder.op("Slice", [matrix, ...[[from], [to], [0]].map((list) => builder.ints(list))], {
      shape: [to - from, width],
      dtype,
    });
  const times = (a: Dense, b: Dense): Dense => builder.op("Mul", [a, b], { ...a, dtype });
  let rest: Dense | undefined;
  for (let n = count; n > 1; n = Math.floor(n / 2)) {
    const half = Math.floor(n / 2);
    if (n % 2 === 1) {
      const last = part(n - 1, n);
      rest = rest ? times(rest, last) : last;
    }
    matrix = times(part(0, half), part(half, 2 * half));
  }
  const product = rest ? times(matrix, rest) : matrix;
  const renumbered = columns.map((axis) => axis - axes.filter((a) => a < axis).length);
  const made = ordered(product, without(full.shape, axes), renumbered);
  return apply(context, [made], view.dense.dtype, (e, x) => e.cast(x, view.dense.dtype));
}

/** uint32 as int32 of the same order: it has no kernels that compare, and those of int64 look at 32 bits. */
export const asOrdered = (context: LoweringContext, view: View): View =>
  view.dense.dtype === "uint32"
    ? apply(context, [view], "int32", (e, x) => turnedWords(e, x, "int32"))
    : view;

/** The extreme of integers. */
const extremeIntegers =
  (opType: "ReduceMax" | "ReduceMin") =>
  (context: LoweringContext, view: View, axes: readonly number[]): View => {
    const { builder } = context;
    const { dtype } = view.dense;
    const words = asOrdered(context, view);
    const reduced = reduceHeld(builder, words, axes, byOperator(builder, opType, "int32"));
    return apply(context, [reduced], dtype, (e, x) =>
      dtype === "uint32" ? turnedWords(e, x, dtype) : e.cast(x, dtype),
    );
  };

/** Maximum or minimum; ONNX Runtime's reductions overlook NaN. */
function extremeFloats(
  context: LoweringContext,
  view: View,
  axes: readonly number[],
  opType: "ReduceMax" | "ReduceMin",
): View {
  const { builder } = context;
  const plain = unscaled(builder, view);
  const extreme = reduceHeld(builder, plain, axes, byOperator(builder, opType, "float32"));
  if (context.gpu) return extreme; // which promises nothing of NaN
  return apply(context, [anyNaN(context, plain, axes), extreme], "float32", (e, p, x) =>
    e.where(p, e.scalar(NaN, "float32"), x),
  );
}

/** Whether any element along some axes is NaN. */
export function anyNaN(context: LoweringContext, view: View, axes: readonly number[]): View {
  const isNaN = apply(context, [view], "bool", (e, x) => e.op("IsNaN", [x], "bool"));
  return reduceHeld(context.builder, isNaN, axes, byOperator(context.builder, "ReduceMax", "bool"));
}

function multiplyFloats({ builder }: LoweringContext, view: View, axes: readonly number[]): View {
  const full = unbroadcast(builder, unscaled(builder, view), axes);
  return reduceHeld(builder, full, axes, byOperator(builder, "ReduceProd", "float32"));
}

type Reduce = (context: LoweringContext, view: View, axes: readonly number[]) => View;

interface ReductionKernels {
  /** What it is of nothing. */
  readonly initial: (dtype: DType) => number;
  readonly float: Reduce;
  readonly integer: Reduce;
}

const KERNELS = {
  sum: {
    initial: () => 0,
    float: ({ builder }, view, axes) => sumFloats(builder, view, axes),
    integer: sumIntegers,
  },
  max: {
    initial: (dtype) => lowEnd({ shape: [], dtype }),
    float: (context, view, axes) => extremeFloats(context, view, axes, "ReduceMax"),
    integer: extremeIntegers("ReduceMax"),
  },
  min: {
    initial: (dtype) => highEnd({ shape: [], dtype }),
    float: (context, view, axes) => extremeFloats(context, view, axes, "ReduceMin"),
    integer: extremeIntegers("ReduceMin"),
  },
  product: { initial: () => 1, float: multiplyFloats, integer: multiplyIntegers },
} as const satisfies Record<string, ReductionKernels>;

/** Reduces numbers along axes. */
export function reduceNumbers(
  context: LoweringContext,
  kind: keyof typeof KERNELS,
  view: View,
  axes: readonly number[],
): View {
  const { float, integer } = KERNELS[kind];
  return (isFloat(view.dense.dtype) ? float : integer)(context, view, axes);
}

const reduction =
  (kind: keyof typeof KERNELS): Lowering<Axes> =>
  (context, [x], { axes }, { outputs: [y] }) => {
    const { dtype } = x.dense;
    if (sizeOf(x.shape) > 0) return [reduceNumbers(context, kind, x, axes)];
    return [filled(context.builder, KERNELS[kind].initial(dtype), y.shape, dtype)];
  };

const boolReduction =
  (opType: string, initial: number): Lowering<Axes> =>
  ({ builder }, [x], { axes }, { outputs: [y] }) => {
    if (sizeOf(x.shape) === 0) return [filled(builder, initial, y.shape, "bool")];
    return [reduceHeld(builder, x, axes, byOperator(builder, opType, "bool"))];
  };

/** The lowerings of reductions by name. */
export const reduceLowerings: Lowerings<
  "reduceSum" | "reduceMax" | "reduceMin" | "reduceProd" | "reduceAnd" | "reduceOr"
> = {
  reduceSum: reduction("sum"),
  reduceMax: reduction("max"),
  reduceMin: reduction("min"),
  reduceProd: reduction("product"),
  reduceAnd: boolReduction("ReduceMin", 1),
  reduceOr: boolReduction("ReduceMax", 0),
};
