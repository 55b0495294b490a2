/** @file Contract rows: reductions, arg-reductions, cumulative operations. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, INTEGERS, NUMBERS, array, draw } from "../table.ts";

const x = draw([2, 3, 4], 61, { whole: [-5, 5] });
const near = draw([2, 3, 4], 62, { from: 0.5, to: 1.5, whole: [1, 3] });
const empty = draw([2, 0, 3], 63);
const ties = array([1, 3, 3, 2, 5, 5, 5, 1, -1, -1, -2, -1], "float32", [3, 4]);
const odd = array(
  [NaN, 1, 2, Infinity, 3, -Infinity, 4, NaN, -Infinity, -Infinity, 0, -0],
  "float32",
  [4, 3],
);
const zeros = array([0, 2, 3, 0, 0, 4, 1, 2, 3], "float32", [3, 3]);

/** Numbers whose sums and products pass the ends of their range, and exceed 2³¹ where there is no sign. */
const large = {
  int32: [2147483647, 5, -2147483648, -3, 65537, 2147483647, 9, 1, -7, 65536, 2147483647, 3],
  uint32: [4294967295, 1, 2, 3, 2147483648, 65537, 4294967295, 7, 9, 4000000000, 11, 13],
  uint8: [255, 1, 2, 3, 128, 17, 254, 7, 9, 200, 11, 13],
};

/** Reductions of large integers over either axis, all, and an axis along which they are repeated. */
const ofLarge = (dtype: keyof typeof large): Case => {
  const rows = [0, 4, 8].map((start) => large[dtype].slice(start, start + 4));
  const columns = [0, 1, 2, 3].map((i) => rows.map((row) => row[i]));
  const wrap = (value: bigint): number => {
    if (dtype === "int32") return Number(BigInt.asIntN(32, value));
    return Number(BigInt.asUintN(dtype === "uint8" ? 8 : 32, value));
  };
  const sum = (list: readonly number[]) => wrap(list.reduce((a, b) => a + BigInt(b), 0n));
  const product = (list: readonly number[]) => wrap(list.reduce((a, b) => a * BigInt(b), 1n));
  const most = (list: readonly number[]) => Math.max(...list);
  const least = (list: readonly number[]) => Math.min(...list);
  const repeated = (list: readonly number[]) => Array.from({ length: 5 }, () => list).flat();
  return {
    name: `reductions of large ${dtype}`,
    of: "reduceSum",
    fn: (a) =>
      [g.reduceSum, g.reduceProd, g.reduceMax, g.reduceMin].flatMap((reduce) => [
        reduce(a, 0),
        reduce(a, 1),
        reduce(a),
        reduce(g.broadcastTo(a, [5, 3, 4]), [0, 2]),
      ]),
    inputs: [array(large[dtype], dtype, [3, 4])],
    expected: [sum, product, most, least].flatMap((reduce) => [
      columns.map(reduce),
      rows.map(reduce),
      [reduce(large[dtype])],
      rows.map((row) => reduce(repeated(row))),
    ]),
  };
};

type Reduction = (
  x: g.Tensor,
  axes?: number | readonly number[],
  options?: { keepDims?: boolean },
) => g.Tensor;

const rows = (of: g.PrimitiveName, fn: Reduction, input: Case["inputs"][number]): Case[] => [
  { name: of, of, fn: (a) => fn(a), inputs: [input], dtypes: NUMBERS, scale: "array" },
  {
    name: `${of} over the last axis`,
    of,
    fn: (a) => fn(a, -1),
    inputs: [input],
    dtypes: FLOATS,
    scale: "array",
  },
  { name: `${of} over outer axes`, of, fn: (a) => fn(a, [2, 0]), inputs: [input], scale: "array" },
  {
    name: `${of} keeping axes`,
    of,
    fn: (a) => fn(a, 1, { keepDims: true }),
    inputs: [input],
    scale: "array",
  },
  {
    name: `${of} over nothing`,
    of,
    fn: (a) => fn(a, 1),
    inputs: [empty],
    dtypes: ["float32", "int32", "uint32"],
    gradient: "kinked",
  },
  { name: `${of} of nothing`, of, fn: (a) => fn(a, 2), inputs: [empty] },
  { name: `${of} of odd numbers`, of, fn: (a) => fn(a, 1), inputs: [odd], gradient: "none" },
];

const arg = (of: "argMax" | "argMin", fn: (x: g.Tensor, axis?: number) => g.Tensor): Case[] => [
  { name: of, of, fn: (a) => fn(a), inputs: [x], dtypes: NUMBERS },
  { name: `${of} along the first axis`, of, fn: (a) => fn(a, 0), inputs: [x] },
  { name: `${of} at ties`, of, fn: (a) => fn(a, 1), inputs: [ties] },
  { name: `${of} of odd numbers`, of, fn: (a) => fn(a, 1), inputs: [odd] },
];

const bools = array([1, 1, 1, 0, 1, 0], "bool", [2, 3]);
const bool = (of: "reduceAnd" | "reduceOr", fn: Reduction): Case[] => [
  { name: of, of, fn: (a) => fn(a, 1), inputs: [bools] },
  { name: `${of} over all`, of, fn: (a) => fn(a), inputs: [bools] },
  { name: `${of} over nothing`, of, fn: (a) => fn(a, 1), inputs: [array([], "bool", [2, 0])] },
];

export const reduceCases: readonly Case[] = [
  ...rows("reduceSum", g.reduceSum, x),
  ...rows("reduceMax", g.reduceMax, x),
  ...rows("reduceMin", g.reduceMin, x),
  ...rows("reduceProd", g.reduceProd, near),
  {
    name: "reduceSum of no axes",
    of: "reduceSum",
    fn: (a) => g.add(g.reduceSum(a, []), g.reduceSum(g.reshape(g.reduceSum(a), [1]))),
    inputs: [draw([], 64)],
  },
  {
    name: "reduceSum wraps",
    of: "reduceSum",
    fn: (a) => g.reduceSum(a),
    inputs: [array([2 ** 32 - 1, 7, 2 ** 31], "uint32")],
  },
  ofLarge("int32"),
  ofLarge("uint32"),
  ofLarge("uint8"),
  {
    name: "reduceMax at ties",
    of: "reduceMax",
    fn: (a) => g.reduceMax(a, 1),
    inputs: [ties],
    gradient: "kinked",
  },
  {
    name: "reduceMin at ties",
    of: "reduceMin",
    fn: (a) => g.reduceMin(a, 1),
    inputs: [ties],
    gradient: "kinked",
  },
  { name: "reduceProd of zeros", of: "reduceProd", fn: (a) => g.reduceProd(a, 1), inputs: [zeros] },
  ...bool("reduceAnd", g.reduceAnd),
  ...bool("reduceOr", g.reduceOr),
  ...arg("argMax", g.argMax),
  ...arg("argMin", g.argMin),
  {
    name: "cumSum",
    of: "cumSum",
    fn: (a) => g.cumSum(a),
    inputs: [x],
    dtypes: NUMBERS,
    scale: "array",
  },
  {
    name: "cumSum reversed",
    of: "cumSum",
    fn: (a) => g.cumSum(a, 1, true),
    inputs: [x],
    scale: "array",
  },
  { name: "cumSum of nothing", of: "cumSum", fn: (a) => g.cumSum(a, 1), inputs: [empty] },
  {
    name: "cumMax",
    of: "cumMax",
    fn: (a) => g.cumMax(a, 2),
    inputs: [x],
    dtypes: ["float32", ...INTEGERS],
  },
  {
    name: "cumMax of halves",
    of: "cumMax",
    fn: (a) => g.cumMax(a, 2),
    inputs: [x],
    dtypes: ["float16", "bfloat16"],
    gradient: "none",
  },
  { name: "cumMax reversed", of: "cumMax", fn: (a) => g.cumMax(a, 1, true), inputs: [x] },
  {
    name: "cumMax of odd numbers",
    of: "cumMax",
    fn: (a) => g.cumMax(a, 0),
    inputs: [odd],
    gradient: "none",
  },
  { name: "cumProd", of: "mul", fn: (a) => g.cumProd(a, 2), inputs: [near], scale: "array" },
  {
    name: "cumProd reversed",
    of: "mul",
    fn: (a) => g.cumProd(a, 1, true),
    inputs: [near],
    scale: "array",
  },
  {
    name: "mean",
    of: "reduceSum",
    fn: (a) => g.mean(a, [0, 2]),
    inputs: [x],
    dtypes: FLOATS,
    scale: "array",
  },
  {
    name: "mean of halves whose sum overflows",
    of: "reduceSum",
    fn: (a) => g.mean(a),
    inputs: [draw([100], 65, { from: 1000, to: 1000 })],
    dtypes: ["float16", "bfloat16"],
    expected: [[1000]],
  },
  {
    name: "variance of halves whose sum of squares overflows",
    of: "reduceSum",
    fn: (a) => g.variance(g.mul(a, g.tensor([200, -200, 200, -200], a.dtype))),
    inputs: [draw([4], 66, { from: 1, to: 1 })],
    dtypes: ["float16"],
    expected: [[40000]],
  },
  {
    name: "mean of nothing",
    of: "reduceSum",
    fn: (a) => g.mean(a, 1),
    inputs: [empty],
    gradient: "none",
  },
  { name: "variance", of: "reduceSum", fn: (a) => g.variance(a, 1), inputs: [x], scale: "array" },
  { name: "norm", of: "reduceSum", fn: (a) => g.norm(a, 2), inputs: [x] },
  { name: "logSumExp", of: "reduceSum", fn: (a) => g.logSumExp(a, [0, 2]), inputs: [x] },
  {
    name: "logSumExp of odd numbers",
    of: "reduceSum",
    fn: (a) => g.logSumExp(a, 1),
    inputs: [array([-Infinity, -Infinity, Infinity, 1, 500, 501, -Infinity, 2], "float32", [4, 2])],
    gradient: "none",
  },
];
