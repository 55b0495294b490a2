/** @file Reductions and arg-reductions in StableHLO. */

import { type DType, isFloat } from "../../../../graph/dtype.ts";
import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { i64s } from "../text.ts";

/** Operations that combine two elements. */
export type Combine = "add" | "maximum" | "minimum" | "multiply" | "and" | "or";

const LOWEST: Partial<Record<DType, number>> = { int32: -(2 ** 31), uint32: 0, uint8: 0 };
const HIGHEST: Partial<Record<DType, number>> = {
  int32: 2 ** 31 - 1,
  uint32: 2 ** 32 - 1,
  uint8: 255,
};

/** What changes nothing when combined. */
export function neutral(combine: Combine, dtype: DType): number {
  switch (combine) {
    case "add":
    case "or":
      return 0;
    case "multiply":
    case "and":
      return 1;
    case "maximum":
      return LOWEST[dtype] ?? -Infinity;
    case "minimum":
      return HIGHEST[dtype] ?? Infinity;
  }
}

/** A block that combines two elements. */
export function combiner(b: Builder, combine: Combine, dtype: DType): string {
  const element = { shape: [], dtype };
  return b.region([element, element], (pair) => [b.map(combine, ...pair)]);
}

/** Sums of half floats are made in float32 and rounded once. */
export function widened(b: Builder, x: Value, compute: (wide: Value) => Value): Value {
  const half = x.dtype === "bfloat16" || x.dtype === "float16";
  return half ? b.convert(compute(b.convert(x, "float32")), x.dtype) : compute(x);
}

const reduction =
  (combine: Combine): Lowering<{ readonly axes: readonly number[] }> =>
  ({ b, inputs: [x], outputs: [out], attrs: { axes } }) => {
    const reduce = (wide: Value): Value =>
      b.one(
        "reduce",
        [wide, b.scalar(neutral(combine, wide.dtype), wide.dtype)],
        { shape: out.shape, dtype: wide.dtype },
        { dimensions: i64s(axes) },
        [combiner(b, combine, wide.dtype)],
      );
    return [combine === "add" || combine === "multiply" ? widened(b, x, reduce) : reduce(x)];
  };

/** The better of two elements and its index: the first NaN, else the first of the most extreme. */
export function betterOf(b: Builder, direction: "GT" | "LT", dtype: DType): string {
  const value = { shape: [], dtype };
  const index = { shape: [], dtype: "int32" as const };
  return b.region([value, index, value, index], ([x, i, y, j]) => {
    const isNaN = (z: Value): Value => b.compare("NE", z, z);
    const bothNaN = () => b.map("and", isNaN(x), isNaN(y));
    const firstNaN = () => b.map("and", isNaN(x), b.compare("EQ", y, y));
    const beats = b.compare(direction, x, y);
    const better = isFloat(dtype) ? b.map("or", beats, firstNaN()) : beats;
    const equal = b.compare("EQ", x, y);
    const tied = isFloat(dtype) ? b.map("or", equal, bothNaN()) : equal;
    const keep = b.map("or", better, b.map("and", tied, b.compare("LT", i, j)));
    return [b.select(keep, x, y), b.select(keep, i, j)];
  });
}

const argReduction =
  (direction: "GT" | "LT"): Lowering<{ readonly axis: number }> =>
  ({ b, inputs: [x], outputs: [out], attrs: { axis } }) => {
    const places = b.one(
      "iota",
      [],
      { shape: x.shape, dtype: "int32" },
      { iota_dimension: `${axis} : i64` },
    );
    const worst = neutral(direction === "GT" ? "maximum" : "minimum", x.dtype);
    const [, index] = b.op(
      "stablehlo.reduce",
      [x, places, b.scalar(worst, x.dtype), b.scalar(0, "int32")],
      [{ shape: out.shape, dtype: x.dtype }, out],
      { dimensions: i64s([axis]) },
      [betterOf(b, direction, x.dtype)],
    );
    return [index];
  };

export const reduceLowerings = {
  reduceSum: reduction("add"),
  reduceMax: reduction("maximum"),
  reduceMin: reduction("minimum"),
  reduceProd: reduction("multiply"),
  reduceAnd: reduction("and"),
  reduceOr: reduction("or"),
  argMax: argReduction("GT"),
  argMin: argReduction("LT"),
};
