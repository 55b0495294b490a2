/** @file Elementwise primitives of two operands; operands broadcast by NumPy's rule. */

import { type DType, isFloat } from "../dtype.ts";
import { type Cotangent, type Primitive, type Tensor, emitOne } from "../tensor.ts";
import { type TensorLike, promote } from "./broadcast.ts";
import { constantLike, zerosLike } from "./constant.ts";
import { type BinaryRule, type NoAttrs, binary } from "./pointwise.ts";
import { equal, select, truncate } from "./select.ts";
import { log, neg } from "./unary.ts";

const when = (need: boolean, make: () => Tensor): Cotangent => (need ? make() : null);

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

function quotient(x: number, y: number, dtype: DType): number {
  if (isFloat(dtype)) return x / y;
  return y === 0 ? -1 : Math.trunc(x / y);
}

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
  add: binary("add", {
    domain: "numbers",
    compute: (x, y) => x + y,
    gradient: (_context, d) => [d, d],
  }),
  sub: binary("sub", {
    domain: "numbers",
    compute: (x, y) => x - y,
    gradient: ({ needs }, d) => [d, when(needs[1], () => neg(d))],
  }),
  mul: binary("mul", {
    domain: "numbers",
    compute: (x, y, dtype) => (isFloat(dtype) ? x * y : Math.imul(x, y)),
    gradient: ({ inputs: [x, y], needs }, d) => [
      when(needs[0], () => mul(d, y)),
      when(needs[1], () => mul(d, x)),
    ],
  }),
  /** Integers truncate towards zero; division by zero sets all bits. */
  div: binary("div", {
    domain: "numbers",
    compute: quotient,
    gradient: ({ inputs: [, y], outputs: [out], needs }, d) => [
      when(needs[0], () => div(d, y)),
      when(needs[1], () => neg(div(mul(d, out), y))),
    ],
  }),
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
const lift =
  (primitive: Primitive<string, NoAttrs>) =>
  (x: TensorLike, y: TensorLike): Tensor =>
    emitOne(primitive, promote(primitive.name, x, y), {});

/** x + y, broadcast; a number takes the tensor's dtype. */
export const add = lift(P.add);
/** x − y, broadcast. */
export const sub = lift(P.sub);
/** x · y, broadcast. */
export const mul = lift(P.mul);
/** x / y, broadcast; integers truncate. */
export const div = lift(P.div);
/** The remainder with the sign of x. */
export const rem = lift(P.rem);
/** xʸ. */
export const pow = lift(P.pow);
/** The larger of two, NaN if either is. */
export const maximum = lift(P.max);
/** The smaller of two, NaN if either is. */
export const minimum = lift(P.min);
export const bitwiseAnd = lift(P.and);
export const bitwiseOr = lift(P.or);
export const bitwiseXor = lift(P.xor);
export const logicalAnd = lift(P.and);
export const logicalOr = lift(P.or);
/** Bits moved up; by the width or more, zero. */
export const shiftLeft = lift(P.shiftLeft);
/** Bits moved down, zeros moved in; by the width or more, zero. */
export const shiftRightLogical = lift(P.shiftRightLogical);

/** x limited to [low, high]. */
export const clip = (x: Tensor, low: TensorLike, high: TensorLike): Tensor =>
  minimum(maximum(x, low), high);
