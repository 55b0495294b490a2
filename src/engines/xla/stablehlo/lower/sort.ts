/** @file Sorting in StableHLO: stable, NaN as the largest number. */

import { isFloat } from "../../../../graph/dtype.ts";
import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { i64, quote } from "../text.ts";

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

/** Numbers of which XLA's total order is ours: one zero, and one NaN above all. */
function ordered(b: Builder, x: Value): Value {
  if (!isFloat(x.dtype)) return x;
  const isZero = b.compare("EQ", x, b.full(x, 0));
  const plain = b.select(isZero, b.full(x, 0), x);
  return b.select(b.compare("EQ", x, x), plain, b.full(x, NaN));
}

/**
 * XLA's own top-k, which selects where a sort of whole rows takes a hundred times as long. On CPUs it is recognised by the
 * slices of its results, so that no other slice may be merged with them.
 */
const topK: Lowering<AttrsOf<"topK">> = ({ b, inputs: [x], outputs, attrs: { k } }) => {
  const made = b.op("stablehlo.custom_call", [ordered(b, x)], outputs, {
    call_target_name: quote("mhlo.topk"),
    "mhlo.attributes": `{k = ${i64(k)}, largest = true}`,
    "mhlo.version": i64(1),
  });
  return b.op("stablehlo.optimization_barrier", made, made);
};

export const sortLowerings = { sort, topK };
