/** @file Conversion between dtypes: floats to integers truncate, saturate and take NaN to 0; integers wrap. */

import { type DType, isFloat, isInteger } from "../../../../graph/dtype.ts";
import { type Lowerings, carrierOf } from "../context.ts";
import { type Elementwise, apply } from "./apply.ts";
import type { Dense } from "../view.ts";

const RANGE: Partial<Record<DType, readonly [low: number, high: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint8: [0, 255],
};

/** The largest float32 below a power of two. */
const before = (power: number): number => power - power / 2 ** 24;

/** ONNX leaves the conversion of numbers that do not fit undefined. */
function floatToInteger(e: Elementwise, x: Dense, dtype: DType): Dense {
  const number = e.where(e.op("IsNaN", [x], "bool"), e.scalar(0, x.dtype), x);
  const [low, high] = RANGE[dtype]!;
  const beyond = high + 1;
  // 255 is a float32, the ends of the other ranges are not
  const last = Math.fround(high) === high ? high : before(beyond);
  const ends = [low, last].map((end) => e.scalar(end, x.dtype));
  const limited = e.cast(e.op("Clip", [number, ...ends]), dtype);
  if (last === high) return limited;
  const fits = e.op("Less", [number, e.scalar(beyond, x.dtype)], "bool");
  return e.where(fits, limited, e.scalar(high, dtype));
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
