/**
 * @file Functions whose kernels on a GPU lose what is near 0 or far from it, from those that do not: WGSL promises no more
 * of them than `log(x + sqrt(x² + 1))` and the like give.
 *
 * @see https://www.w3.org/TR/WGSL/#floating-point-accuracy
 */

import type { Lowering } from "../context.ts";
import type { Dense } from "../view.ts";
import { type Elementwise, type Expression, same } from "./apply.ts";

const one = (e: Elementwise, x: Dense): Dense => e.scalar(1, x.dtype);
const times = (e: Elementwise, x: Dense, factor: number): Dense =>
  e.op("Mul", [x, e.scalar(factor, x.dtype)]);
const isBelow = (e: Elementwise, x: Dense, limit: number): Dense =>
  e.op("Less", [x, e.scalar(limit, x.dtype)], "bool");
/** A function that is odd, from what it is of numbers that are not negative. */
const odd =
  (positive: Expression): Expression =>
  (e, x) => {
    const value = positive(e, e.op("Abs", [x]));
    const isNegative = isBelow(e, x, 0);
    return e.where(isNegative, e.op("Neg", [value]), value);
  };

/** Σ cᵢ xⁱ. */
function polynomial(e: Elementwise, x: Dense, coefficients: readonly number[]): Dense {
  const [last, ...rest] = coefficients.toReversed();
  return rest.reduce(
    (sum, c) => e.op("Add", [e.op("Mul", [sum, x]), e.scalar(c, x.dtype)]),
    e.scalar(last, x.dtype),
  );
}

/** 1/1!, 1/2!, …: the series of eˣ after its first term. */
const RECIPROCAL_FACTORIALS = [2, 3, 4, 5, 6, 7, 8, 9].reduce<number[]>(
  (list, n) => [...list, list.at(-1)! / n],
  [1],
);
/** 1, 1/3, 1/5, …: the series of atanh. */
const RECIPROCAL_ODDS = Array.from({ length: 8 }, (_, i) => 1 / (2 * i + 1));

const LN2 = Math.LN2;

/** atanh between −⅓ and ⅓. */
const atanhNear: Expression = (e, x) =>
  e.op("Mul", [x, polynomial(e, e.op("Mul", [x, x]), RECIPROCAL_ODDS)]);

/** log(1 + x) = 2 atanh(x / (x + 2)) up to ±½, the plain form from there on. */
const log1p: Expression = (e, x) => {
  const ratio = e.op("Div", [x, e.op("Add", [x, e.scalar(2, x.dtype)])]);
  const near = times(e, atanhNear(e, ratio), 2);
  const far = e.op("Log", [e.op("Add", [x, one(e, x)])]);
  return e.where(isBelow(e, e.op("Abs", [x]), 0.5), near, far);
};

/** eˣ − 1: its series up to ±½. */
const expm1: Expression = (e, x) => {
  const near = e.op("Mul", [x, polynomial(e, x, RECIPROCAL_FACTORIALS)]);
  const far = e.op("Sub", [e.op("Exp", [x]), one(e, x)]);
  return e.where(isBelow(e, e.op("Abs", [x]), 0.5), near, far);
};

/** Half of eˣ − e⁻ˣ, by their series up to ±1. */
const sinh: Expression = (e, x) => {
  const odds = RECIPROCAL_FACTORIALS.filter((_, i) => i % 2 === 0);
  const near = e.op("Mul", [x, polynomial(e, e.op("Mul", [x, x]), odds)]);
  return e.where(isBelow(e, e.op("Abs", [x]), 1), near, e.op("Sinh", [x]));
};

/** atanh x = ½ log((1 + x) / (1 − x)) from ⅓ on. */
const atanh: Expression = odd((e, x) => {
  const ratio = e.op("Div", [e.op("Add", [one(e, x), x]), e.op("Sub", [one(e, x), x])]);
  return e.where(isBelow(e, x, 1 / 3), atanhNear(e, x), times(e, e.op("Log", [ratio]), 0.5));
});

/** log(2x), which asinh and acosh are where x² is all that counts of x² ± 1. */
const farLog = (e: Elementwise, x: Dense): Dense =>
  e.op("Add", [e.op("Log", [x]), e.scalar(LN2, x.dtype)]);
const FAR = 1e4;

/** asinh x = log1p(x + x² / (1 + √(x² + 1))). */
const asinh: Expression = odd((e, x) => {
  const squared = e.op("Mul", [x, x]);
  const root = e.op("Sqrt", [e.op("Add", [squared, one(e, x)])]);
  const more = e.op("Div", [squared, e.op("Add", [root, one(e, x)])]);
  return e.where(isBelow(e, x, FAR), log1p(e, e.op("Add", [x, more])), farLog(e, x));
});

/** acosh x = log1p(t + √(t (t + 2))), t = x − 1. */
const acosh: Expression = (e, x) => {
  const above = e.op("Sub", [x, one(e, x)]);
  const product = e.op("Mul", [above, e.op("Add", [above, e.scalar(2, x.dtype)])]);
  const near = log1p(e, e.op("Add", [above, e.op("Sqrt", [product])]));
  return e.where(isBelow(e, x, FAR), near, farLog(e, x));
};

const FUNCTIONS = { log1p, expm1, sinh, asinh, acosh, atanh } as const satisfies Record<
  string,
  Expression
>;

/** A lowering by a function of this file on a GPU, and by another expression elsewhere. */
export const otherwiseOnGpu =
  (name: keyof typeof FUNCTIONS, plain: Expression): Lowering<unknown> =>
  (context, views, ...rest) =>
    same(context.gpu ? FUNCTIONS[name] : plain)(context, views, ...rest);
