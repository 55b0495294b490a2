/** @file Sorting in StableHLO: stable, NaN as the largest number. */

import { type DType, isFloat } from "../../../../graph/dtype.ts";
import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { i64, i64s } from "../text.ts";

/** Whether the first key comes before the second, by the first of several operands. */
function before(b: Builder, operands: readonly Value[], direction: "LT" | "GT"): string {
  const [{ dtype }] = operands;
  const pairs = operands.flatMap((x) => [x, x]).map((x) => ({ shape: [], dtype: x.dtype }));
  return b.region(pairs, ([x, y]) => {
    const precedes = b.compare(direction, x, y);
    return [isFloat(dtype) ? b.map("or", precedes, beforeNaN(b, x, y, direction)) : precedes];
  });
}

function beforeNaN(b: Builder, x: Value, y: Value, direction: "LT" | "GT"): Value {
  const [number, nan] = direction === "LT" ? [x, y] : [y, x];
  return b.map("and", b.compare("EQ", number, number), b.compare("NE", nan, nan));
}

function sorted(
  b: Builder,
  operands: readonly Value[],
  axis: number,
  direction: "LT" | "GT",
): Value[] {
  const attributes = { dimension: i64(axis), is_stable: "true" };
  return b.op("stablehlo.sort", operands, operands, attributes, [before(b, operands, direction)]);
}

const sort: Lowering<AttrsOf<"sort">> = ({ b, inputs, attrs: { axis } }) =>
  sorted(b, inputs, axis, "LT");

const topK: Lowering<AttrsOf<"topK">> = ({ b, inputs: [x], outputs }) => {
  const axis = x.shape.length - 1;
  const places: { shape: typeof x.shape; dtype: DType } = { shape: x.shape, dtype: "int32" };
  const iota = b.one("iota", [], places, { iota_dimension: i64(axis) });
  const descending = sorted(b, [x, iota], axis, "GT");
  const zeros = x.shape.map(() => 0);
  return descending.map((all, i) =>
    b.one("slice", [all], outputs[i], {
      start_indices: i64s(zeros),
      limit_indices: i64s(outputs[i].shape),
      strides: i64s(x.shape.map(() => 1)),
    }),
  );
};

export const sortLowerings = { sort, topK };
