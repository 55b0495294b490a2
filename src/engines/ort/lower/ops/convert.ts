/** @file Conversion between dtypes: floats to integers truncate, saturate and take NaN to 0; integers wrap. */

import { type DType, isFloat, isInteger } from "../../../../graph/dtype.ts";
import { type Lowerings, carrierOf } from "../context.ts";
import { type Elementwise, apply } from "./elementwise.ts";
import type { Dense } from "../view.ts";

const RANGE: Partial<Record<DType, readonly [low: number, high: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint8: [0, 255],
};

/** ONNX leaves the conversion of numbers that do not fit undefined. */
function floatToInteger(e: Elementwise, x: Dense, dtype: DType): Dense {
  const number = e.where(e.op("IsNaN", [x], "bool"), e.scalar(0, x.dtype), x);
  const wide: DType = dtype === "uint8" ? "float32" : "float64"; // holds the ends of the range exactly
  const ends = RANGE[dtype]!.map((end) => e.scalar(end, wide));
  const limited = e.op("Clip", [e.cast(number, wide), ...ends]);
  return e.cast(limited, dtype);
}

/** The conversion; rounding to half-width floats is done by whoever lowers the equation. */
export const lowerConvert: Lowerings<"convert">["convert"] = (context, [x], { dtype }) => {
  const from = x.dense.dtype;
  const to = carrierOf(dtype);
  if (from === to) return [x];
  return [
    apply(context, [x], to, (e, dense) =>
      isFloat(from) && isInteger(to) ? floatToInteger(e, dense, to) : e.cast(dense, to),
    ),
  ];
};
