/** @file Integer arithmetic with the language's rules at zero, at the ends of the range and beyond the width. */

import type { DType } from "../../../../graph/dtype.ts";
import type { Elementwise } from "./apply.ts";
import type { Dense } from "../view.ts";

/** Divides in int64, where no quotient overflows; kernels trap a division by zero, so it never sees one. */
function guarded(
  e: Elementwise,
  x: Dense,
  y: Dense,
  make: (a: Dense, b: Dense) => Dense,
  otherwise: (a: Dense) => Dense,
): Dense {
  const a = e.cast(x, "int64");
  const b = e.cast(y, "int64");
  const isZero = e.op("Equal", [b, e.scalar(0, "int64")], "bool");
  const safe = e.where(isZero, e.scalar(1, "int64"), b);
  return e.cast(e.where(isZero, otherwise(a), make(a, safe)), x.dtype);
}

/** Words as int32 of the same order, and back: 2³¹ less, and 2³¹ more, which is the same. */
export function turnedWords(e: Elementwise, x: Dense, dtype: "int32" | "uint32"): Dense {
  const shifted = e.op("Add", [e.cast(x, "int32"), e.scalar(-(2 ** 31), "int32")]);
  return e.cast(shifted, dtype);
}

const shift =
  (direction: "LEFT" | "RIGHT") =>
  (e: Elementwise, x: Dense, y: Dense): Dense => {
    const word: DType = x.dtype === "uint8" ? "uint8" : "uint32";
    const width = word === "uint8" ? 8 : 32;
    const by = (amount: Dense): Dense =>
      e.op("BitShift", [e.cast(x, word), amount], word, { direction: { s: direction } });
    if (y.uniform !== undefined && y.uniform >= 0 && y.uniform < width) {
      return e.cast(by(e.scalar(y.uniform, word)), x.dtype);
    }
    // beyond the width nothing is left; a negative amount is a large one as a word
    const amount = e.cast(y, word);
    const fits = e.op("Less", [amount, e.scalar(width, word)], "bool");
    const mask = e.cast(fits, word);
    return e.cast(e.op("Mul", [by(e.op("Mul", [amount, mask])), mask]), x.dtype);
  };

/** Arithmetic over operands of one integer dtype. */
export const integerArithmetic = {
  /** Truncates towards zero; all bits set where the divisor is zero. */
  div: (e: Elementwise, x: Dense, y: Dense): Dense =>
    guarded(
      e,
      x,
      y,
      (a, b) => e.op("Div", [a, b]),
      () => e.scalar(-1, "int64"),
    ),
  /** The sign of the dividend; the dividend where the divisor is zero. */
  rem: (e: Elementwise, x: Dense, y: Dense): Dense =>
    guarded(
      e,
      x,
      y,
      (a, b) => e.op("Mod", [a, b], "int64", { fmod: { i: 1 } }),
      (a) => a,
    ),
  shiftLeft: shift("LEFT"),
  shiftRightLogical: shift("RIGHT"),
};

const EXPONENT_BITS: Partial<Record<DType, number>> = { int32: 31, uint32: 32, uint8: 8 };

/** xʸ by squaring, wrapping as products do; 1 / xʸ truncated for negative y. */
export function lowerIntegerPower(e: Elementwise, x: Dense, y: Dense): Dense {
  const { dtype } = x;
  const one = e.scalar(1, dtype);
  const bits =
    y.uniform === undefined
      ? EXPONENT_BITS[dtype]!
      : Math.ceil(Math.log2(Math.max(y.uniform, 1) + 1));
  let square = x;
  let power = one;
  for (let bit = 0; bit < bits; bit++) {
    const isSet = e.cast(e.op("BitwiseAnd", [y, e.scalar(2 ** bit, dtype)]), "bool");
    power = e.op("Mul", [power, e.where(isSet, square, one)]);
    if (bit + 1 < bits) square = e.op("Mul", [square, square]);
  }
  if (dtype !== "int32" || (y.uniform !== undefined && y.uniform >= 0)) return power;
  const isOdd = e.cast(e.op("BitwiseAnd", [y, one]), "bool");
  const isUnit = e.op("Equal", [e.op("Abs", [x]), one], "bool");
  const signed = e.where(isOdd, x, one);
  const inverse = e.where(isUnit, signed, e.scalar(0, dtype));
  return e.where(e.op("Less", [y, e.scalar(0, dtype)], "bool"), inverse, power);
}
