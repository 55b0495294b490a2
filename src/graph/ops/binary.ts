/** @file Elementwise functions of two operands beside + − · /: powers, extremes, bits. */

import { type DType, isFloat } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { div, mul, neg, sub, when } from "./arithmetic.ts";
import type { TensorLike } from "./broadcast.ts";
import { constantLike, zerosLike } from "./constant.ts";
import { type BinaryRule, binary, liftBinary } from "./pointwise.ts";
import { equal, select } from "./select.ts";
import { log, truncate } from "./unary.ts";

/** A maximum or minimum: NaN if either operand is; at a tie each operand gets half of the cotangent. */
const extreme = (compute: (x: number, y: number) => number): BinaryRule => ({
  domain: "numbers",
  compute,
  gradient({ inputs: [x, y], outputs: [out], needs }, d) {
    const part = select(equal(x, y), constantLike(d, 0.5), constantLike(d, 1));
    const share = (operand: Tensor) => mul(select(equal(operand, out), d, zerosLike(d)), part);
    return [when(needs[0], () => share(x)), when(needs[1], () => share(y))];
  },
});

/** IEEE 754's power: JavaScript differs in giving NaN for 1 to the power NaN and ±1 to the power ±∞. */
const floatPower = (x: number, y: number): number =>
  x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;

/** Wraps around; negative exponents truncate towards zero. */
function integerPower(x: number, y: number): number {
  if (y < 0) return x === 1 ? 1 : x === -1 ? (y % 2 ? -1 : 1) : 0;
  let result = 1;
  for (let base = x, rest = y; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

/** Shifts by the width or more give zero. */
const shifted =
  (shift: (x: number, y: number) => number) =>
  (x: number, y: number, dtype: DType): number =>
    y >= (dtype === "uint8" ? 8 : 32) || y < 0 ? 0 : shift(x, y);

/** The elementwise primitives of two operands by name. */
export const binaryPrimitives = {
  /** The remainder with the dividend's sign; integers by zero give the dividend. */
  rem: binary("rem", {
    domain: "numbers",
    compute: (x, y, dtype) => (y === 0 && !isFloat(dtype) ? x : x % y),
    gradient: ({ inputs: [x, y], needs }, d) => [
      d,
      when(needs[1], () => neg(mul(d, truncate(div(x, y))))),
    ],
  }),
  pow: binary("pow", {
    domain: "numbers",
    compute: (x, y, dtype) => (isFloat(dtype) ? floatPower(x, y) : integerPower(x, y)),
    gradient: ({ inputs: [x, y], outputs: [out], needs }, d) => [
      when(needs[0], () => {
        const constantly = equal(y, 0); // x⁰ has slope 0, where y xʸ⁻¹ would be 0 · ∞ at x = 0
        const slope = mul(y, pow(x, select(constantly, constantLike(y, 1), sub(y, 1))));
        return mul(d, select(constantly, zerosLike(slope), slope));
      }),
      when(needs[1], () => mul(d, mul(out, log(select(equal(x, 0), constantLike(x, 1), x))))),
    ],
  }),
  max: binary(
    "max",
    extreme((x, y) => Math.max(x, y)),
  ),
  min: binary(
    "min",
    extreme((x, y) => Math.min(x, y)),
  ),
  and: binary("and", { domain: "integers or bool", compute: (x, y) => x & y, gradient: null }),
  or: binary("or", { domain: "integers or bool", compute: (x, y) => x | y, gradient: null }),
  xor: binary("xor", { domain: "integers or bool", compute: (x, y) => x ^ y, gradient: null }),
  shiftLeft: binary("shiftLeft", {
    domain: "integers",
    compute: shifted((x, y) => x << y),
    gradient: null,
  }),
  /** Fills with zeros from the left. */
  shiftRightLogical: binary("shiftRightLogical", {
    domain: "integers",
    compute: shifted((x, y) => x >>> y),
    gradient: null,
  }),
};

const P = binaryPrimitives;
/** The remainder with the sign of x. */
export const rem = liftBinary(P.rem);
/** xʸ. */
export const pow = liftBinary(P.pow);
/** The larger of two, NaN if either is. */
export const maximum = liftBinary(P.max);
/** The smaller of two, NaN if either is. */
export const minimum = liftBinary(P.min);
export const bitwiseAnd = liftBinary(P.and);
export const bitwiseOr = liftBinary(P.or);
export const bitwiseXor = liftBinary(P.xor);
export const logicalAnd = liftBinary(P.and);
export const logicalOr = liftBinary(P.or);
/** Bits moved up; by the width or more, zero. */
export const shiftLeft = liftBinary(P.shiftLeft);
/** Bits moved down, zeros moved in; by the width or more, zero. */
export const shiftRightLogical = liftBinary(P.shiftRightLogical);

/** x limited to [low, high]. */
export const clip = (x: Tensor, low: TensorLike, high: TensorLike): Tensor =>
  minimum(maximum(x, low), high);
