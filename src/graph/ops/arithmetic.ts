/** @file +, −, · and /, element by element: the arithmetic that the derivatives of everything else are made of. */

import { type DType, isFloat } from "../dtype.ts";
import type { Cotangent, Tensor } from "../tensor.ts";
import { binary, liftBinary, liftUnary, unary } from "./pointwise.ts";

/** A cotangent that is made only where it is needed. */
export const when = (need: boolean, make: () => Tensor): Cotangent => (need ? make() : null);

function quotient(x: number, y: number, dtype: DType): number {
  if (isFloat(dtype)) return x / y;
  return y === 0 ? -1 : Math.trunc(x / y);
}

/** The arithmetic primitives by name. */
export const arithmeticPrimitives = {
  neg: unary("neg", { domain: "numbers", compute: (x) => -x, gradient: (_x, _y, d) => neg(d) }),
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
};

const P = arithmeticPrimitives;

/** −x. */
export const neg = liftUnary(P.neg);
/** x + y, broadcast; a number takes the tensor's dtype. */
export const add = liftBinary(P.add);
/** x − y, broadcast. */
export const sub = liftBinary(P.sub);
/** x · y, broadcast. */
export const mul = liftBinary(P.mul);
/** x / y, broadcast; integers truncate. */
export const div = liftBinary(P.div);

/** x², one multiplication. */
export const square = (x: Tensor): Tensor => mul(x, x);
