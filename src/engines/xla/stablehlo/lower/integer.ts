/** @file Integer arithmetic in StableHLO where XLA's own differs from the language's. */

import type { DType } from "../../../../graph/dtype.ts";
import type { Builder, Value } from "../builder.ts";
import { loop } from "./control.ts";

/** x / y; XLA folds x / x to 1, so that the divisor which it sees is never zero. */
export function divideIntegers(b: Builder, x: Value, y: Value): Value {
  const isZero = b.compare("EQ", y, b.full(y, 0));
  const quotient = b.map("divide", x, b.select(isZero, b.full(y, 1), y));
  return b.select(isZero, b.map("not", b.full(x, 0)), quotient);
}

const EXPONENT_BITS: Partial<Record<DType, number>> = { int32: 31, uint32: 32, uint8: 8 };

/** xʸ by squaring, wrapping as products do, and 1 / xʸ truncated for negative y; XLA's own looks at six bits of y. */
export function powerOfIntegers(b: Builder, x: Value, y: Value): Value {
  const { dtype } = x;
  const one = b.full(x, 1);
  const isOdd = (n: Value): Value => b.compare("NE", b.map("and", n, one), b.full(n, 0));
  const bits = b.scalar(EXPONENT_BITS[dtype]!, "int32");
  const [, power] = loop(
    b,
    [b.scalar(0, "int32"), one, x, y],
    ([step]) => b.compare("LT", step, bits),
    ([step, result, square, rest]) => [
      b.map("add", step, b.scalar(1, "int32")),
      b.map("multiply", result, b.select(isOdd(rest), square, one)),
      b.map("multiply", square, square),
      b.map("shift_right_logical", rest, one),
    ],
  );
  if (dtype !== "int32") return power;
  const isUnit = b.compare("EQ", b.map("abs", x), one);
  const inverse = b.select(isUnit, b.select(isOdd(y), x, one), b.full(x, 0));
  return b.select(b.compare("LT", y, b.full(y, 0)), inverse, power);
}
