/** @file Contract rows: elementwise operations of one operand. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, NUMBERS, array, draw } from "../table.ts";

const x = draw([2, 5], 1);
const positive = draw([2, 5], 2, { from: 0.1, to: 4 });
const special = array([NaN, Infinity, -Infinity, 0, -0, 1, -1, 80, -80, 1e-7, -1e-7, 0.5]);
const halves = array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 8388609, -0.3, NaN, Infinity, -Infinity]);

/** Down to −1 and beyond, where log(1 + x) is steep, infinite and not a number. */
const nearMinusOne = [-0.25, -0.5, -0.75, -0.999, -0.9999999, -1, -5, -1e10, -1e30, 0.5, 1e-7, 3];

type Unary = (x: g.Tensor) => g.Tensor;

/** A smooth float function on ordinary and on special numbers. */
const smooth = (of: g.PrimitiveName, fn: Unary, input = x): Case[] => [
  { name: of, of, fn, inputs: [input], dtypes: FLOATS },
  { name: `${of} of special numbers`, of, fn, inputs: [special], gradient: "kinked" },
];

/** A float function that steps. */
const steps = (of: g.PrimitiveName, fn: Unary): Case[] => [
  { name: of, of, fn, inputs: [x], dtypes: FLOATS },
  { name: `${of} at halves and special numbers`, of, fn, inputs: [halves], gradient: "kinked" },
];

export const unaryCases: readonly Case[] = [
  { name: "neg", of: "neg", fn: g.neg, inputs: [x], dtypes: NUMBERS },
  { name: "neg of a scalar", of: "neg", fn: g.neg, inputs: [draw([], 3)] },
  { name: "neg of nothing", of: "neg", fn: g.neg, inputs: [draw([0, 3], 3)] },
  { name: "abs", of: "abs", fn: g.abs, inputs: [x], dtypes: NUMBERS },
  { name: "abs of special numbers", of: "abs", fn: g.abs, inputs: [special], gradient: "none" },
  {
    name: "abs of the least int32",
    of: "abs",
    fn: g.abs,
    inputs: [array([-(2 ** 31), 5], "int32")],
  },
  { name: "sign", of: "sign", fn: g.sign, inputs: [x], dtypes: NUMBERS },
  {
    name: "sign of special numbers",
    of: "sign",
    fn: g.sign,
    inputs: [special],
    gradient: "kinked",
  },
  ...steps("floor", g.floor),
  ...steps("ceil", g.ceil),
  ...steps("round", g.round),
  ...smooth("exp", g.exp),
  { name: "expm1", of: "expm1", fn: g.expm1, inputs: [x], dtypes: FLOATS },
  {
    name: "expm1 of special numbers",
    of: "expm1",
    fn: g.expm1,
    inputs: [special],
    gradient: "none", // e⁻⁸⁰ is no zero here
  },
  ...smooth("log", g.log, positive),
  ...smooth("log1p", g.log1p, positive),
  {
    name: "log1p near -1 and beyond",
    of: "log1p",
    fn: g.log1p,
    inputs: [array(nearMinusOne)],
    gradient: "kinked",
    expected: [nearMinusOne.map((number) => Math.log1p(Math.fround(number)))],
  },
  ...smooth("sqrt", g.sqrt, positive),
  ...smooth("rsqrt", g.rsqrt, positive),
  ...smooth("logistic", g.logistic),
  ...smooth("erf", g.erf),
  {
    name: "digamma",
    of: "digamma",
    fn: g.digamma,
    inputs: [draw([3, 5], 3, { from: 0.05, to: 9 })],
    dtypes: FLOATS,
    scale: "array",
  },
  {
    name: "digamma left of 0",
    of: "digamma",
    fn: g.digamma,
    inputs: [array([-0.5, -0.01, -1.7, -3.2, -40.3])],
    scale: "array",
    gradient: "none",
  },
  {
    name: "digamma far out and at its poles",
    of: "digamma",
    fn: g.digamma,
    inputs: [array([1e-6, 30, 1e3, 1e8, 1e30, Infinity, NaN, 0, -1, -7])],
    gradient: "none",
  },
  {
    name: "slope of digamma",
    of: "digamma",
    fn: (a) => [g.digamma(a), g.grad((b: g.Tensor) => g.reduceSum(g.digamma(b)))(a)],
    inputs: [array([1, 0.5, -0.5])],
    gradient: "none",
    expected: [
      [-0.5772156649015329, -1.9635100260214235, 0.03648997397857652],
      [Math.PI ** 2 / 6, Math.PI ** 2 / 2, Math.PI ** 2 / 2 + 4],
    ],
    scale: "array",
  },
  { name: "isFinite", of: "isFinite", fn: g.isFinite, inputs: [special] },
  { name: "isFinite of halves", of: "isFinite", fn: g.isFinite, inputs: [x], dtypes: FLOATS },
  { name: "logicalNot", of: "not", fn: g.logicalNot, inputs: [x], dtypes: ["bool"] },
  {
    name: "abs' at 0", // JAX's slope here is 1
    of: "sign",
    fn: (a) => g.grad((b: g.Tensor) => g.reduceSum(g.abs(b)))(a),
    inputs: [array([-2, -0, 0, 3, NaN])],
    gradient: "none",
    expected: [[-1, 0, 0, 1, NaN]],
  },
  { name: "square", of: "mul", fn: g.square, inputs: [x], dtypes: NUMBERS },
];
