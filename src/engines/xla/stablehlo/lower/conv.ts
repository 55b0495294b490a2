/** @file Convolutions and sliding windows in StableHLO. */

import { isFloat, sizeOf } from "../../../../graph/dtype.ts";
import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { i64, i64s, list, pairs } from "../text.ts";
import { precisionOf } from "./dot.ts";
import { combiner, neutral, widened } from "./reduce.ts";

const convGeneralDilated: Lowering<AttrsOf<"convGeneralDilated">> = ({
  b,
  inputs: [lhs, rhs],
  outputs: [out],
  attrs,
}) => {
  if ([lhs, rhs, out].some(({ shape }) => sizeOf(shape) === 0)) return [b.full(out, 0)];
  const axes = attrs.strides.map((_, i) => i);
  const image = list(["b", ...axes, "f"]);
  const numbers = `#stablehlo.conv<${image}x${list([...axes, "i", "o"])}->${image}>`;
  return [
    b.one("convolution", [lhs, rhs], out, {
      dimension_numbers: numbers,
      window_strides: i64s(attrs.strides),
      padding: pairs(attrs.padding),
      lhs_dilation: i64s(attrs.lhsDilation),
      rhs_dilation: i64s(attrs.rhsDilation),
      feature_group_count: i64(attrs.featureGroups),
      batch_group_count: i64(attrs.batchGroups),
      ...precisionOf(b, lhs),
    }),
  ];
};

const windowAttributes = (attrs: AttrsOf<"reduceWindow"> | AttrsOf<"selectAndScatterAdd">) => ({
  window_dimensions: i64s(attrs.window),
  window_strides: i64s(attrs.strides),
  padding: pairs(attrs.padding),
});

const REDUCERS = { sum: "add", max: "maximum", min: "minimum" } as const;

const reduceWindow: Lowering<AttrsOf<"reduceWindow">> = ({
  b,
  inputs: [x],
  outputs: [out],
  attrs,
}) => {
  if (sizeOf(out.shape) === 0) return [b.full(out, 0)];
  const reduce = (wide: Value): Value =>
    b.one(
      "reduce_window",
      [wide, b.scalar(neutral(REDUCERS[attrs.kind], x.dtype), wide.dtype)],
      { shape: out.shape, dtype: wide.dtype },
      windowAttributes(attrs),
      [combiner(b, REDUCERS[attrs.kind], wide.dtype)],
    );
  return [attrs.kind === "sum" ? widened(b, x, reduce) : reduce(x)];
};

/** Picks the first extreme element of each window: an equal one later does not replace it. */
function chooser(b: Builder, x: Value, direction: "GE" | "LE"): string {
  const element = { shape: [], dtype: x.dtype };
  return b.region([element, element], ([kept, next]) => [b.compare(direction, kept, next)]);
}

const selectAndScatterAdd: Lowering<AttrsOf<"selectAndScatterAdd">> = ({
  b,
  inputs: [x, source],
  outputs: [out],
  attrs,
}) => {
  if (sizeOf(source.shape) === 0 || sizeOf(x.shape) === 0) return [b.full(out, 0)];
  const operand = isFloat(source.dtype) ? b.convert(x, source.dtype) : x;
  const scatter = b.one(
    "select_and_scatter",
    [operand, source, b.scalar(0, source.dtype)],
    out,
    windowAttributes(attrs),
    [chooser(b, operand, attrs.kind === "max" ? "GE" : "LE"), combiner(b, "add", source.dtype)],
  );
  return [scatter];
};

export const convLowerings = { convGeneralDilated, reduceWindow, selectAndScatterAdd };
