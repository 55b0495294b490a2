/** @file Contract rows: elementwise operations of two operands. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, INTEGERS, NUMBERS, array, draw } from "../table.ts";

const x = draw([2, 5], 11);
const y = draw([2, 5], 12);
const nonzero = draw([2, 5], 13, { from: 0.5, to: 3, whole: [1, 9] });
const positive = draw([2, 5], 14, { from: 0.2, to: 3, whole: [1, 5] });
const exponent = draw([2, 5], 15, { whole: [0, 3] });
const bits = draw([2, 5], 16, { whole: [0, 200] });
const shift = draw([2, 5], 17, { whole: [0, 7] });

/** Every pair of special numbers. */
const numbers = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 2.5, -2.5];
const left = array(numbers.flatMap((a) => numbers.map(() => a)));
const right = array(numbers.flatMap(() => numbers));

/** Tied and untied pairs. */
const ties = [array([1, 2, 3, -1, 0, -0]), array([1, 3, 2, -1, -0, 0])];

const INT32_MIN = -(2 ** 31);
const extremes = array([INT32_MIN, INT32_MIN, 2 ** 31 - 1, -7, 7, -7, 7, 0], "int32");
const divisors = array([-1, 0, 0, 2, -2, -2, 0, 0], "int32");
const wide = array([0, 1, 2 ** 31, 2 ** 32 - 1, 123456789, 4000000000], "uint32");
const wide2 = array([2 ** 32 - 1, 2 ** 31, 2 ** 31, 2 ** 32 - 1, 987654321, 3000000000], "uint32");
const bytes = array([0, 1, 128, 255, 200, 17], "uint8");
const bytes2 = array([255, 2, 128, 255, 100, 0], "uint8");
const shifts = [
  array([1, 255, 2 ** 32 - 1, 77, 77], "uint32"),
  array([31, 32, 40, 0, 5], "uint32"),
];
const byteShifts = [array([255, 255, 255, 3], "uint8"), array([7, 8, 200, 1], "uint8")];
const intShifts = [array([-1, -1, 5, -8], "int32"), array([31, 32, 33, 1], "int32")];

/** Bases and exponents whose powers wrap, with the right values by modular arithmetic. */
const bases = [2147483648, 33, 64, 9, 2, 3, 0, 7, 4294967295, 65536];
const powers = [2147483648, 64, 64, 2147483649, 31, 4294967295, 0, 100, 3000000001, 65536];
const powerOf = (dtype: "int32" | "uint32" | "uint8"): Case => {
  const width = dtype === "uint8" ? 8 : 32;
  const [x, y] = [bases, powers].map((list) => array(list, dtype));
  const limit = 2n ** BigInt(width);
  const wrapped = g.toNumbers(x).map((base, i) => {
    let [result, square, rest] = [1n, BigInt(base), BigInt(g.toNumbers(y)[i])];
    if (rest < 0n) return base === 1 ? 1 : base === -1 ? (rest % 2n === 0n ? 1 : -1) : 0;
    for (; rest > 0n; rest /= 2n) {
      if (rest % 2n === 1n) result = (result * square) % limit;
      square = (square * square) % limit;
    }
    return Number(dtype === "int32" ? BigInt.asIntN(32, result) : BigInt.asUintN(width, result));
  });
  return {
    name: `pow wraps in ${dtype}`,
    of: "pow",
    fn: g.pow,
    inputs: [x, y],
    expected: [wrapped],
  };
};

type Binary = (x: g.Tensor, y: g.Tensor) => g.Tensor;
const atIntegers = (of: g.PrimitiveName, fn: Binary): Case[] => [
  { name: `${of} wraps in uint32`, of, fn, inputs: [wide, wide2] },
  { name: `${of} wraps in uint8`, of, fn, inputs: [bytes, bytes2] },
  { name: `${of} at the ends of int32`, of, fn, inputs: [extremes, divisors] },
];
const special = (of: g.PrimitiveName, fn: Binary): Case => ({
  name: `${of} of special numbers`,
  of,
  fn,
  inputs: [left, right],
  gradient: "none",
});

export const binaryCases: readonly Case[] = [
  { name: "add", of: "add", fn: g.add, inputs: [x, y], dtypes: NUMBERS },
  {
    name: "add broadcasts",
    of: "add",
    fn: g.add,
    inputs: [draw([2, 1, 3], 18), draw([4, 1], 19)],
  },
  { name: "add a number", of: "add", fn: (a) => g.add(2, a), inputs: [x], dtypes: NUMBERS },
  { name: "add scalars", of: "add", fn: g.add, inputs: [draw([], 18), draw([], 19)] },
  { name: "add nothing", of: "add", fn: g.add, inputs: [draw([0, 2], 18), draw([1], 19)] },
  ...atIntegers("add", g.add),
  special("add", g.add),
  { name: "sub", of: "sub", fn: g.sub, inputs: [x, y], dtypes: NUMBERS },
  ...atIntegers("sub", g.sub),
  { name: "mul", of: "mul", fn: g.mul, inputs: [x, y], dtypes: NUMBERS },
  { name: "mul by itself", of: "mul", fn: (a) => g.mul(a, a), inputs: [x] },
  ...atIntegers("mul", g.mul),
  special("mul", g.mul),
  { name: "div", of: "div", fn: g.div, inputs: [x, nonzero], dtypes: NUMBERS },
  ...atIntegers("div", g.div),
  special("div", g.div),
  {
    name: "div of integers by themselves",
    of: "div",
    fn: (a, b, c) => [g.div(a, a), g.div(b, b), g.div(c, c), g.rem(a, a)],
    inputs: [array([0, 4], "int32"), array([0, 4], "uint32"), array([0, 4], "uint8")],
    expected: [
      [-1, 1],
      [2 ** 32 - 1, 1],
      [255, 1],
      [0, 0],
    ],
  },
  {
    name: "shifts by one amount for all", // held apart from what it is stretched over
    of: "shiftRightLogical",
    fn: (words, amount) => {
      const column = g.reshape(words, [2, 1]);
      return [g.shiftRightLogical(column, amount), g.shiftLeft(column, amount)];
    },
    inputs: [array([5, 9], "uint32"), array([1], "uint32", [])],
    expected: [
      [2, 4],
      [10, 18],
    ],
  },
  { name: "rem", of: "rem", fn: g.rem, inputs: [x, nonzero], dtypes: NUMBERS },
  ...atIntegers("rem", g.rem),
  special("rem", g.rem),
  { name: "pow", of: "pow", fn: g.pow, inputs: [positive, y], dtypes: FLOATS },
  { name: "pow of integers", of: "pow", fn: g.pow, inputs: [x, exponent], dtypes: INTEGERS },
  ...(["int32", "uint32", "uint8"] as const).map(powerOf),
  {
    name: "pow with negative exponents of integers",
    of: "pow",
    fn: g.pow,
    inputs: [
      array([2, 1, -1, -1, 0, -7], "int32"),
      array([-1, -9, -3, -(2 ** 31), -1, -2], "int32"),
    ],
    expected: [[0, 1, -1, 1, 0, 0]],
  },
  special("pow", g.pow),
  {
    name: "pow's gradient at zeros",
    of: "pow",
    fn: g.pow,
    inputs: [array([0, 0, 2, -2, 0]), array([1, 2, 0, 2, 3])],
    gradient: "kinked",
  },
  {
    name: "pow of zero to zero", // JAX's slope here is NaN
    of: "pow",
    fn: g.pow,
    inputs: [array([0]), array([0])],
    gradient: "kinked",
    expected: [[1]],
  },
  { name: "maximum", of: "max", fn: g.maximum, inputs: [x, y], dtypes: NUMBERS },
  { name: "maximum at ties", of: "max", fn: g.maximum, inputs: ties, gradient: "kinked" },
  special("max", g.maximum),
  { name: "minimum", of: "min", fn: g.minimum, inputs: [x, y], dtypes: NUMBERS },
  { name: "minimum at ties", of: "min", fn: g.minimum, inputs: ties, gradient: "kinked" },
  special("min", g.minimum),
  { name: "clip", of: "min", fn: (a) => g.clip(a, -1, 1), inputs: [x], dtypes: FLOATS },
  {
    name: "bitwiseAnd",
    of: "and",
    fn: g.bitwiseAnd,
    inputs: [bits, exponent],
    dtypes: [...INTEGERS, "bool"],
  },
  {
    name: "bitwiseOr",
    of: "or",
    fn: g.bitwiseOr,
    inputs: [bits, exponent],
    dtypes: [...INTEGERS, "bool"],
  },
  {
    name: "bitwiseXor",
    of: "xor",
    fn: g.bitwiseXor,
    inputs: [bits, exponent],
    dtypes: [...INTEGERS, "bool"],
  },
  { name: "bitwiseXor of high bits", of: "xor", fn: g.bitwiseXor, inputs: [wide, wide2] },
  { name: "shiftLeft", of: "shiftLeft", fn: g.shiftLeft, inputs: [bits, shift], dtypes: INTEGERS },
  { name: "shiftLeft by the width", of: "shiftLeft", fn: g.shiftLeft, inputs: shifts },
  { name: "shiftLeft of bytes", of: "shiftLeft", fn: g.shiftLeft, inputs: byteShifts },
  {
    name: "shiftRightLogical",
    of: "shiftRightLogical",
    fn: g.shiftRightLogical,
    inputs: [bits, shift],
    dtypes: INTEGERS,
  },
  {
    name: "shiftRightLogical by the width",
    of: "shiftRightLogical",
    fn: g.shiftRightLogical,
    inputs: shifts,
  },
  {
    name: "shiftRightLogical of bytes",
    of: "shiftRightLogical",
    fn: g.shiftRightLogical,
    inputs: byteShifts,
  },
  {
    name: "shiftRightLogical of int32",
    of: "shiftRightLogical",
    fn: g.shiftRightLogical,
    inputs: intShifts,
  },
];
