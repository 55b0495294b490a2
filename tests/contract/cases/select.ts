/** @file Contract rows: comparison, selection, conversion, constants. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, NUMBERS, array, draw } from "../table.ts";

const x = draw([2, 5], 21);
const y = draw([2, 5], 22);
const few = draw([3, 4], 23, { from: 0, to: 1, whole: [0, 2] });
const few2 = draw([3, 4], 24, { from: 0, to: 1, whole: [0, 2] });
const numbers = [NaN, Infinity, -Infinity, 0, -0, 1];
const left = array(numbers.flatMap((a) => numbers.map(() => a)));
const right = array(numbers.flatMap(() => numbers));
const mask = array([1, 0, 0, 1, 1, 0, 1, 0, 0, 1], "bool", [2, 5]);

const directions = {
  equal: g.equal,
  notEqual: g.notEqual,
  less: g.less,
  lessEqual: g.lessEqual,
  greater: g.greater,
  greaterEqual: g.greaterEqual,
};

const comparisons = Object.entries(directions).flatMap(([name, fn]): Case[] => [
  { name, of: "compare", fn, inputs: [few, few2], dtypes: [...NUMBERS, "bool"] },
  { name: `${name} of special numbers`, of: "compare", fn, inputs: [left, right] },
  {
    name: `${name} of large uint32`,
    of: "compare",
    fn,
    inputs: [
      array([2 ** 31, 1, 2 ** 32 - 1], "uint32"),
      array([1, 2 ** 31, 2 ** 32 - 1], "uint32"),
    ],
  },
]);

/** Numbers at and beyond the ends of the integers, and those between two of them. */
const edges = array([
  0,
  -0.9,
  0.9,
  1.5,
  -1.5,
  254.6,
  256,
  -1,
  2147483520,
  2147483648,
  -2147483648,
  -3e9,
  4294967040,
  4294967296,
  1e20,
  -1e20,
  Infinity,
  -Infinity,
  NaN,
]);
const TARGETS: readonly g.DType[] = [...NUMBERS, "bool"];
const conversions = TARGETS.map((to): Case => ({
  name: `convert to ${to}`,
  of: "convert",
  fn: (a) => g.convert(a, to),
  inputs: [draw([2, 5], 25, { from: 0, to: 9 })],
  dtypes: TARGETS.filter((from) => from !== to),
  gradient: "kinked",
}));
const saturations = (["int32", "uint32", "uint8", "bool"] as const).map((to): Case => ({
  name: `convert the ends of ${to}`,
  of: "convert",
  fn: (a) => g.convert(a, to),
  inputs: [edges],
}));
const wraps = (["uint32", "uint8"] as const).map((to): Case => ({
  name: `convert int32 around to ${to}`,
  of: "convert",
  fn: (a) => g.convert(a, to),
  inputs: [array([-1, 256, 511, -(2 ** 31), 2 ** 31 - 1], "int32")],
}));

export const selectCases: readonly Case[] = [
  {
    name: "select of two numbers",
    of: "select",
    fn: (p) => g.select(p, 0, 1),
    inputs: [array([1, 0, 1], "bool")],
    expected: [[0, 1, 0]],
  },
  {
    name: "select of two booleans",
    of: "select",
    fn: (p) => g.convert(g.select(p, false, true), "int32"),
    inputs: [array([1, 0, 1], "bool")],
    expected: [[0, 1, 0]],
  },
  ...comparisons,
  { name: "isNaN", of: "compare", fn: g.isNaN, inputs: [left] },
  {
    name: "select",
    of: "select",
    fn: g.select,
    inputs: [mask, x, y],
    dtypes: [...NUMBERS, "bool"],
  },
  {
    name: "select broadcasts",
    of: "select",
    fn: (p, a) => g.select(p, a, 0),
    inputs: [array([1, 0], "bool", [2, 1]), draw([5], 26)],
  },
  {
    name: "select keeps NaN out",
    of: "select",
    fn: (a) => g.select(g.greater(a, 0), g.log(g.select(g.greater(a, 0), a, 1)), 0),
    inputs: [array([-1, 0, 2, 4])],
    gradient: "kinked",
  },
  { name: "truncate", of: "select", fn: g.truncate, inputs: [x], dtypes: FLOATS },
  ...conversions,
  ...saturations,
  ...wraps,
  {
    name: "convert rounds to even",
    of: "convert",
    fn: (a) => [g.convert(a, "bfloat16"), g.convert(a, "float16")],
    inputs: [array([1.00390625, 1.01171875, 1.00048828125, 1.00146484375, 65519.99, 65520, 6e-8])],
    gradient: "kinked",
  },
  {
    name: "convert there and back",
    of: "convert",
    fn: (a) => g.convert(g.mul(g.convert(a, "float32"), 3), a.dtype),
    inputs: [x],
    gradient: "kinked",
    dtypes: ["float16", "bfloat16"],
  },
  {
    name: "constant",
    of: "constant",
    fn: (a) => [
      g.mul(a, g.tensor([1, 2, 3, 4, 5], a.dtype)),
      g.constant(array([1.5, 2.25], "bfloat16")),
      g.tensor([[true], [false]]),
      g.tensor([], "int32"),
    ],
    inputs: [x],
  },
  {
    name: "iota of one place, stretched",
    of: "iota",
    fn: (a) => [
      g.add(a, g.arange(1, a.dtype)),
      g.add(a, g.broadcastTo(g.iota([1], a.dtype), [5])),
      g.broadcastTo(g.iota([3, 1], a.dtype, 1), [3, 2]),
    ],
    inputs: [array([5, 6, 7, 8, 9], "int32")],
    expected: [
      [5, 6, 7, 8, 9],
      [5, 6, 7, 8, 9],
      [0, 0, 0, 0, 0, 0],
    ],
  },
  {
    name: "iota",
    of: "iota",
    fn: () => [
      g.iota([3, 2], "int32", 0),
      g.iota([2, 3], "float32", 1),
      g.iota([300], "uint8"),
      g.iota([4], "float16"),
      g.iota([300], "bfloat16"),
      g.iota([0], "uint32"),
    ],
    inputs: [],
  },
];
