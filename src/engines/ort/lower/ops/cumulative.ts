/** @file Arg-reductions and cumulative operations in ONNX. */

import { type DType, isFloat } from "../../../../graph/dtype.ts";
import type { Lowering, LoweringContext, Lowerings } from "../context.ts";
import { apply } from "./apply.ts";
import { align, ordered, unbroadcast, unscaled } from "../realise.ts";
import { anyNaN, asOrdered, filled } from "./reduce.ts";
import { inMemoryOrder } from "./shape.ts";
import { type Dense, type View, layoutOf } from "../view.ts";

/** What a GPU has kernels to compare. */
const GPU_ORDERED: ReadonlySet<DType> = new Set<DType>(["float32", "int32"]);

/** The least index that holds the extreme, without the int64 that ArgMax gives and a GPU lacks, and without regard to NaN. */
function firstExtreme(
  { builder }: LoweringContext,
  x: View,
  axis: number,
  opType: "ArgMax" | "ArgMin",
): View {
  const { dense, order } = inMemoryOrder(builder, unscaled(builder, x));
  const at = order.indexOf(axis);
  const n = x.shape[axis];
  const axes = builder.ints([at]);
  const extreme = builder.op(opType === "ArgMax" ? "ReduceMax" : "ReduceMin", [dense, axes], {
    shape: dense.shape.with(at, 1),
    dtype: dense.dtype,
    attributes: { keepdims: { i: 1 } },
  });
  const isExtreme = builder.op("Equal", [dense, extreme], { shape: dense.shape, dtype: "bool" });
  const places = builder.reshape(
    builder.range(n, "int32"),
    dense.shape.map((_, i) => (i === at ? n : 1)),
  );
  const { shape } = dense;
  const found = builder.op("Where", [isExtreme, places, builder.scalar(n, "int32")], {
    shape,
    dtype: "int32",
  });
  const kept = order.filter((a) => a !== axis);
  const first = builder.op("ReduceMin", [found, axes], {
    shape: kept.map((a) => x.shape[a]),
    dtype: "int32",
    attributes: { keepdims: { i: 0 } },
  });
  return ordered(
    first,
    x.shape.toSpliced(axis, 1),
    kept.map((a) => (a > axis ? a - 1 : a)),
  );
}

/** The first index of the extreme; the first NaN wins. */
const argReduction =
  (opType: "ArgMax" | "ArgMin"): Lowering<{ axis: number }> =>
  (context, [given], { axis }, { outputs: [y] }) => {
    const { builder, gpu } = context;
    const x = asOrdered(context, given);
    if (x.strides[axis] === 0) return [filled(builder, 0, y.shape, "int32")];
    const find = (view: View, op: string): View => {
      const { dense, order } = inMemoryOrder(builder, unscaled(builder, view));
      const kept = order.filter((a) => a !== axis);
      const wide = dense.dtype === "bool" ? "uint8" : dense.dtype;
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
    if (gpu && GPU_ORDERED.has(x.dense.dtype)) return [firstExtreme(context, x, axis, opType)];
    if (!isFloat(x.dense.dtype)) return [find(x, opType)];
    const isNaN = apply(context, [x], "bool", (e, d) => e.op("IsNaN", [d], "bool"));
    const choices = [anyNaN(context, x, [axis]), find(isNaN, "ArgMax"), find(x, opType)];
    return [apply(context, choices, "int32", (e, p, a, b) => e.where(p, a, b))];
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
  const wide: DType = isFloat(dtype) || dtype === "int32" ? dtype : "int64"; // the others have no kernel
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
  const order = layoutOf(x);
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

/** The lowerings of arg-reductions and cumulative operations by name. */
export const cumulativeLowerings: Lowerings<"argMax" | "argMin" | "cumSum" | "cumMax"> = {
  argMax: argReduction("ArgMax"),
  argMin: argReduction("ArgMin"),
  cumSum: lowerCumSum,
  cumMax: lowerCumMax,
};
