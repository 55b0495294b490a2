/** @file How far each primitive's result may lie from the interpreter's; docs/engines.md, "Numbers", in figures. */

import type { PrimitiveName } from "../../src/graph/index.ts";
import { isFloat, primitives } from "../../src/graph/index.ts";
import type { Value } from "../../src/graph/values.ts";

/** What a primitive may do to a float result. */
export type Slack =
  | { readonly kind: "exact" }
  /** So many units in the last place of each element, where it is not known to be exact. */
  | {
      readonly kind: "element";
      readonly ulps: number;
      /** For halves, so many of their own last places beside. */
      readonly halfUlps?: number;
      /** Smaller elements may be as far off as one of this size. */
      readonly least?: number;
      readonly isExact?: (i: number, result: number, inputs: readonly Value[]) => boolean;
    }
  /** So many units in the last place of the largest element, of this result or of all of them. */
  | { readonly kind: "array" | "arrays"; readonly ulps: number }
  /** So many units in the last place of the sum of the terms' sizes: the order is open. */
  | { readonly kind: "sum"; readonly ulps: number; readonly name: PrimitiveName };

/** Correctly rounded, but an engine may fold constants, fuse multiply and add, or keep halves wide. */
const rounded = (exactly: (x: number, y: number) => number) => ({
  kind: "element" as const,
  ulps: 1,
  isExact: (i: number, result: number, [x, y]: readonly Value[]): boolean =>
    exactly(x.data[i], y.data[i]) === result,
});
/** Elementary functions, 4 ulp; in halves 2, since XLA computes some of them in halves. */
const elementary: Slack = { kind: "element", ulps: 4, halfUlps: 2 };
const sum = (name: PrimitiveName): Slack => ({ kind: "sum", ulps: 2, name });

const isPowerOfTwo = (x: number): boolean => Number.isInteger(Math.log2(Math.abs(x)));

/** Primitives that may be off; all others are exact. */
export const SLACK: Readonly<Record<string, Slack>> = {
  add: rounded((x, y) => x + y),
  sub: rounded((x, y) => x - y),
  mul: rounded((x, y) => x * y),
  // XLA multiplies by the reciprocal of what divides many elements
  div: { ...rounded((x, y) => (isPowerOfTwo(y) ? x / y : NaN)), halfUlps: 1 },
  convert: { kind: "element", ulps: 0, isExact: (i, result, [x]) => x.data[i] === result },
  pow: elementary,
  exp: elementary,
  expm1: elementary,
  log: elementary,
  log1p: elementary,
  sqrt: {
    kind: "element",
    ulps: 1,
    isExact: (i, result, [x]) => result * result === x.data[i],
  },
  rsqrt: elementary,
  tanh: elementary,
  logistic: elementary,
  sin: { kind: "array", ulps: 1 },
  cos: { kind: "array", ulps: 1 },
  tan: elementary,
  asin: elementary,
  acos: elementary,
  atan: elementary,
  atan2: elementary,
  sinh: elementary,
  cosh: elementary,
  asinh: elementary,
  acosh: elementary,
  atanh: elementary,
  erf: elementary,
  digamma: { kind: "element", ulps: 4, halfUlps: 2, least: 1 }, // its roots lie between larger terms
  reduceProd: { kind: "element", ulps: 8 },
  fft: { kind: "arrays", ulps: 8 },
  composite: { kind: "array", ulps: 4 },
  reduceSum: sum("reduceSum"),
  dotGeneral: sum("dotGeneral"),
  convGeneralDilated: sum("convGeneralDilated"),
  cumSum: sum("cumSum"),
  scatterAdd: sum("scatterAdd"),
  reduceWindow: sum("reduceWindow"),
  selectAndScatterAdd: sum("selectAndScatterAdd"),
};

/** The sizes of a sum's terms, added up; and whether every order gives the same. */
export interface Terms {
  readonly sizes: Float64Array;
  readonly exact: boolean;
}

/** What a sum is made of: its own primitive over the sizes of its operands, in float64. */
export function termsOf(
  { name }: Extract<Slack, { kind: "sum" }>,
  inputs: readonly Value[],
  attrs: unknown,
): Terms {
  const kind = (attrs as { kind?: string }).kind;
  if (name === "reduceWindow" && kind !== "sum") return { sizes: new Float64Array(), exact: true };
  const sized = inputs.map((x, i): Value => {
    const isKey = name === "selectAndScatterAdd" && i === 0;
    if (!isFloat(x.dtype) || isKey) return x;
    const sizes = Float64Array.from(x.data, (v) => (Number.isFinite(v) ? Math.abs(v) : 0));
    return { ...x, dtype: "float64", data: sizes };
  });
  const wide = Object.fromEntries(
    Object.entries(attrs as object).map(([key, v]) => [
      key,
      key === "dtype" && v ? "float64" : (v as unknown),
    ]),
  );
  const [{ data }] = (
    primitives[name] as { interpret(i: readonly Value[], a: unknown): Value[] }
  ).interpret(sized, wide);
  const sizes = Float64Array.from(data);
  // multiples of 1/16 add up exactly, in products too, while the sum's size has room in 24 bits
  const exact =
    sized.every((x) => x.data.every((v: number) => Number.isInteger(v * 16))) &&
    sizes.every((v) => v * 256 < 2 ** 24);
  return { sizes, exact };
}
