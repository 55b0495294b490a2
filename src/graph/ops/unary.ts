/** @file Elementwise functions of one operand. */

import { roundHalfEven } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { liftUnary, unary } from "./pointwise.ts";
import { less, select } from "./select.ts";
import { erf as erfNumber } from "./special.ts";

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** The elementwise primitives of one operand by name. */
export const unaryPrimitives = {
  abs: unary("abs", {
    domain: "numbers",
    compute: Math.abs,
    gradient: (x, _y, d) => mul(d, sign(x)),
  }),
  sign: unary("sign", { domain: "numbers", compute: Math.sign, gradient: null }),
  floor: unary("floor", { domain: "floats", compute: Math.floor, gradient: null }),
  ceil: unary("ceil", { domain: "floats", compute: Math.ceil, gradient: null }),
  /** Ties to even. */
  round: unary("round", { domain: "floats", compute: roundHalfEven, gradient: null }),
  exp: unary("exp", { domain: "floats", compute: Math.exp, gradient: (_x, y, d) => mul(d, y) }),
  expm1: unary("expm1", {
    domain: "floats",
    compute: Math.expm1,
    gradient: (x, _y, d) => mul(d, exp(x)),
  }),
  log: unary("log", { domain: "floats", compute: Math.log, gradient: (x, _y, d) => div(d, x) }),
  log1p: unary("log1p", {
    domain: "floats",
    compute: Math.log1p,
    gradient: (x, _y, d) => div(d, add(x, 1)),
  }),
  sqrt: unary("sqrt", {
    domain: "floats",
    compute: Math.sqrt,
    gradient: (_x, y, d) => div(mul(d, 0.5), y),
  }),
  rsqrt: unary("rsqrt", {
    domain: "floats",
    compute: (x) => 1 / Math.sqrt(x),
    gradient: (x, y, d) => mul(mul(d, -0.5), div(y, x)),
  }),
  logistic: unary("logistic", {
    domain: "floats",
    compute: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
    gradient: (_x, y, d) => mul(d, mul(y, sub(1, y))),
  }),
  erf: unary("erf", {
    domain: "floats",
    compute: erfNumber,
    gradient: (x, _y, d) => mul(d, mul(exp(neg(mul(x, x))), TWO_OVER_SQRT_PI)),
  }),
  isFinite: unary("isFinite", {
    domain: "floats",
    compute: (x) => (Number.isFinite(x) ? 1 : 0),
    gradient: null,
    output: "bool",
  }),
  not: unary("not", { domain: "bool", compute: (x) => (x ? 0 : 1), gradient: null }),
};

const P = unaryPrimitives;
/** |x|; its derivative is sign(x). */
export const abs = liftUnary(P.abs);
/** −1, 0 or 1 (NaN stays NaN). */
export const sign = liftUnary(P.sign);
/** The largest integer at or below x. */
export const floor = liftUnary(P.floor);
/** The smallest integer at or above x. */
export const ceil = liftUnary(P.ceil);
/** x rounded towards zero. */
export const truncate = (x: Tensor): Tensor => select(less(x, 0), ceil(x), floor(x));
/** The nearest integer, ties to even. */
export const round = liftUnary(P.round);
/** eˣ. */
export const exp = liftUnary(P.exp);
/** eˣ − 1, exact near 0. */
export const expm1 = liftUnary(P.expm1);
/** The natural logarithm. */
export const log = liftUnary(P.log);
/** log(1 + x), exact near 0. */
export const log1p = liftUnary(P.log1p);
/** The square root. */
export const sqrt = liftUnary(P.sqrt);
/** 1 / √x. */
export const rsqrt = liftUnary(P.rsqrt);
/** The sigmoid 1 / (1 + e⁻ˣ). */
export const logistic = liftUnary(P.logistic);
/** The error function. */
export const erf = liftUnary(P.erf);
/** Where x is neither infinite nor NaN. */
export const isFinite = liftUnary(P.isFinite);
/** Logical negation. */
export const logicalNot = liftUnary(P.not);
