/** @file Circular and hyperbolic functions and their inverses, element by element; angles in radians. */

import type { Tensor } from "../tensor.ts";
import { add, div, mul, neg, square, sub, when } from "./arithmetic.ts";
import { binary, liftBinary, liftUnary, unary } from "./pointwise.ts";
import { rsqrt } from "./unary.ts";

/** (1 − x) (1 + x), which loses nothing near ±1 as 1 − x² does. */
const oneMinusSquare = (x: Tensor): Tensor => mul(sub(1, x), add(x, 1));

/** The circular and hyperbolic primitives by name. */
export const trigonometricPrimitives = {
  sin: unary("sin", {
    domain: "floats",
    compute: Math.sin,
    gradient: (x, _y, d) => mul(d, cos(x)),
  }),
  cos: unary("cos", {
    domain: "floats",
    compute: Math.cos,
    gradient: (x, _y, d) => neg(mul(d, sin(x))),
  }),
  tan: unary("tan", {
    domain: "floats",
    compute: Math.tan,
    gradient: (_x, y, d) => mul(d, add(square(y), 1)),
  }),
  asin: unary("asin", {
    domain: "floats",
    compute: Math.asin,
    gradient: (x, _y, d) => mul(d, rsqrt(oneMinusSquare(x))),
  }),
  acos: unary("acos", {
    domain: "floats",
    compute: Math.acos,
    gradient: (x, _y, d) => neg(mul(d, rsqrt(oneMinusSquare(x)))),
  }),
  atan: unary("atan", {
    domain: "floats",
    compute: Math.atan,
    gradient: (x, _y, d) => div(d, add(square(x), 1)),
  }),
  atan2: binary("atan2", {
    domain: "floats",
    compute: Math.atan2,
    gradient: ({ inputs: [y, x], needs }, d) => {
      const part = div(d, add(square(x), square(y)));
      return [when(needs[0], () => mul(part, x)), when(needs[1], () => neg(mul(part, y)))];
    },
  }),
  sinh: unary("sinh", {
    domain: "floats",
    compute: Math.sinh,
    gradient: (x, _y, d) => mul(d, cosh(x)),
  }),
  cosh: unary("cosh", {
    domain: "floats",
    compute: Math.cosh,
    gradient: (x, _y, d) => mul(d, sinh(x)),
  }),
  tanh: unary("tanh", {
    domain: "floats",
    compute: Math.tanh,
    gradient: (_x, y, d) => mul(d, sub(1, mul(y, y))),
  }),
  asinh: unary("asinh", {
    domain: "floats",
    compute: Math.asinh,
    gradient: (x, _y, d) => mul(d, rsqrt(add(square(x), 1))),
  }),
  acosh: unary("acosh", {
    domain: "floats",
    compute: Math.acosh,
    gradient: (x, _y, d) => mul(d, mul(rsqrt(sub(x, 1)), rsqrt(add(x, 1)))),
  }),
  atanh: unary("atanh", {
    domain: "floats",
    compute: Math.atanh,
    gradient: (x, _y, d) => div(d, oneMinusSquare(x)),
  }),
};

const P = trigonometricPrimitives;

export const sin = liftUnary(P.sin);
export const cos = liftUnary(P.cos);
export const tan = liftUnary(P.tan);
/** The angle in [−π/2, π/2] whose sine is x; NaN beyond ±1. */
export const asin = liftUnary(P.asin);
/** The angle in [0, π] whose cosine is x; NaN beyond ±1. */
export const acos = liftUnary(P.acos);
/** The angle in [−π/2, π/2] whose tangent is x. */
export const atan = liftUnary(P.atan);
/** The angle in [−π, π] of the point (x, y), broadcast; its gradient at (0, 0) is NaN. */
export const atan2 = liftBinary(P.atan2);
/** The hyperbolic sine. */
export const sinh = liftUnary(P.sinh);
/** The hyperbolic cosine. */
export const cosh = liftUnary(P.cosh);
/** The hyperbolic tangent. */
export const tanh = liftUnary(P.tanh);
/** The number whose hyperbolic sine is x. */
export const asinh = liftUnary(P.asinh);
/** The number ≥ 0 whose hyperbolic cosine is x; NaN below 1. */
export const acosh = liftUnary(P.acosh);
/** The number whose hyperbolic tangent is x; NaN beyond ±1. */
export const atanh = liftUnary(P.atanh);
