/** @file Sorting in ONNX, by TopK over double-precision keys in which NaN is larger than infinity. */

import { type DType, isFloat } from "../../../../graph/dtype.ts";
import type { LoweringContext, Lowerings } from "../context.ts";
import { apply } from "./apply.ts";
import { ordered, rowMajor, unbroadcast } from "../realise.ts";
import { permuteView, type View } from "../view.ts";

/** Above every float32, below infinity. */
const BEYOND_FLOAT32 = 1e300;

/** Keys whose order TopK knows: doubles in which NaN comes after infinity (on a GPU, where NaN may be overlooked, with it), or int64. */
function sortableKeys(context: LoweringContext, keys: View): View {
  const { dtype } = keys.dense;
  if (!isFloat(dtype)) return apply(context, [keys], "int64", (e, x) => e.cast(x, "int64"));
  if (context.gpu) {
    return apply(context, [keys], "float32", (e, x) =>
      e.where(e.op("IsNaN", [x], "bool"), e.scalar(Infinity, "float32"), x),
    );
  }
  return apply(context, [keys], "float64", (e, x) => {
    const top = e.scalar(BEYOND_FLOAT32, "float64");
    const finite = e.op("Min", [e.cast(x, "float64"), top]);
    return e.where(e.op("IsNaN", [x], "bool"), e.scalar(Infinity, "float64"), finite);
  });
}

/** The positions of the k first elements of the last axis in order; equal ones keep theirs. */
function ranking(context: LoweringContext, keys: View, k: number, largest: boolean): View {
  const { builder } = context;
  const dense = rowMajor(builder, sortableKeys(context, keys));
  const shape = [...keys.shape.slice(0, -1), k];
  const [, indices] = builder.node("TopK", [dense.name, builder.ints([k])], 2, {
    attributes: { axis: { i: -1 }, largest: { i: Number(largest) }, sorted: { i: 1 } },
  });
  const axes = shape.map((_, axis) => axis);
  return ordered({ name: indices, shape, dtype: "int64" }, shape, axes);
}

/** Elements of the last axis at positions. */
function pick({ builder }: LoweringContext, view: View, positions: View): View {
  const dense = rowMajor(builder, view);
  const places = rowMajor(builder, positions);
  const picked = builder.op("GatherElements", [dense, places], {
    shape: positions.shape,
    dtype: dense.dtype,
    attributes: { axis: { i: positions.shape.length - 1 } },
  });
  return ordered(
    picked,
    positions.shape,
    positions.shape.map((_, axis) => axis),
  );
}

const toInt32 = (context: LoweringContext, view: View): View =>
  apply(context, [view], "int32", (e, x) => e.cast(x, "int32" satisfies DType));

const lowerSort: Lowerings<"sort">["sort"] = (context, inputs, { axis }) => {
  const rank = inputs[0].shape.length;
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  const toLast = [...others, axis];
  const back = toLast.map((_, i) => toLast.indexOf(i));
  const moved = inputs.map((x) => permuteView(x, toLast));
  const order = ranking(context, moved[0], inputs[0].shape[axis], false);
  return moved.map((x) => {
    const full = unbroadcast(context.builder, x);
    return permuteView(pick(context, full, order), back);
  });
};

const lowerTopK: Lowerings<"topK">["topK"] = (context, [x], { k }) => {
  const order = ranking(context, x, k, true);
  return [pick(context, unbroadcast(context.builder, x), order), toInt32(context, order)];
};

/** The lowerings of sorts by name. */
export const sortLowerings: Lowerings<"sort" | "topK"> = { sort: lowerSort, topK: lowerTopK };
