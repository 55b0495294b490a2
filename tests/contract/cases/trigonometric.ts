/** @file Contract rows: circular and hyperbolic functions and their inverses. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, array, draw } from "../table.ts";

const x = draw([2, 5], 31);
const inside = draw([2, 5], 32, { from: -0.9, to: 0.9 });
const above = draw([2, 5], 33, { from: 1.1, to: 4 });
const special = array([NaN, Infinity, -Infinity, 0, 1, -1, 0.5, -0.5]);
/** Where cancellation would show. */
const tiny = array([1e-3, -1e-3, 1e-5, -1e-7, 1e-10, 0.2, -0.3]);
const nearOne = array([0.9999999, -0.9999999, 0.9999, -0.9999, 0.99]);

type Unary = (x: g.Tensor) => g.Tensor;

const rows = (
  of: g.PrimitiveName,
  fn: Unary,
  input: Case["inputs"][number] = x,
  more: Partial<Case> = {},
): Case[] => [
  { name: of, of, fn, inputs: [input], dtypes: FLOATS, ...more },
  { name: `${of} of special numbers`, of, fn, inputs: [special], gradient: "kinked" },
];
const slope = (fn: Unary, a: g.Tensor): g.Tensor => g.grad((b: g.Tensor) => g.reduceSum(fn(b)))(a);
const alsoTiny = (of: g.PrimitiveName, fn: Unary): Case => ({
  name: `${of} near 0`,
  of,
  fn,
  inputs: [tiny],
  gradient: "kinked",
});

export const trigonometricCases: readonly Case[] = [
  ...rows("sin", g.sin),
  ...rows("cos", g.cos),
  ...rows("tan", g.tan, inside),
  ...rows("asin", g.asin, inside),
  ...rows("acos", g.acos, inside),
  ...rows("atan", g.atan),
  ...rows("sinh", g.sinh),
  ...rows("cosh", g.cosh),
  ...rows("tanh", g.tanh, x, { scale: "array" }),
  ...rows("asinh", g.asinh),
  { name: "acosh", of: "acosh", fn: g.acosh, inputs: [above], dtypes: FLOATS },
  ...rows("atanh", g.atanh, inside),
  {
    name: "slopes near 1",
    of: "rsqrt",
    fn: (a) => [slope(g.asin, a), slope(g.acos, a), slope(g.acosh, g.add(a, 0.5))],
    inputs: [array([0.5, 0.99951171875])],
    gradient: "none",
    expected: [
      [0.5, 0.99951171875].map((a) => 1 / Math.sqrt((1 - a) * (1 + a))),
      [0.5, 0.99951171875].map((a) => -1 / Math.sqrt((1 - a) * (1 + a))),
      [Infinity, 1 / Math.sqrt(0.49951171875 * 2.49951171875)],
    ],
  },
  alsoTiny("tan", g.tan),
  alsoTiny("asin", g.asin),
  alsoTiny("atan", g.atan),
  alsoTiny("sinh", g.sinh),
  alsoTiny("tanh", g.tanh),
  alsoTiny("asinh", g.asinh),
  alsoTiny("atanh", g.atanh),
  // JAX's slopes there cancel: by 200 ulp at ±0.9999
  { name: "asin near 1", of: "asin", fn: g.asin, inputs: [nearOne], gradient: "none" },
  { name: "acos near 1", of: "acos", fn: g.acos, inputs: [nearOne], gradient: "none" },
  {
    name: "acosh outside and at the ends",
    of: "acosh",
    fn: g.acosh,
    inputs: [array([NaN, Infinity, 1, 0.5, 0])],
    gradient: "kinked",
  },
  {
    name: "acosh near 1 and far",
    of: "acosh",
    fn: g.acosh,
    inputs: [array([1.001, 1.00001, 1e4, 1e19, 1e30])],
    gradient: "none",
  },
  {
    name: "asinh far",
    of: "asinh",
    fn: g.asinh,
    inputs: [array([1e4, -1e4, 1e15, -1e15])],
    gradient: "kinked",
  },
  { name: "atan2", of: "atan2", fn: g.atan2, inputs: [x, draw([2, 5], 34)], dtypes: FLOATS },
  {
    name: "atan2 all around",
    of: "atan2",
    fn: g.atan2,
    inputs: [
      array([0.3, 1, 1, 0, -1, -1, -1, 0, 1e-30, Infinity, Infinity, -Infinity, 2, -2, NaN]),
      array([0.3, 0, -1, -1, -1, 0, 1, 1, 1e30, Infinity, -Infinity, 3, -Infinity, Infinity, 1]),
    ],
    gradient: "kinked",
  },
];
