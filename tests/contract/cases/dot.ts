/** @file Contract rows: matrix products. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, NUMBERS, array, draw } from "../table.ts";

const row = (
  name: string,
  fn: Case["fn"],
  inputs: Case["inputs"],
  more: Partial<Case> = {},
): Case => ({
  name,
  of: "dotGeneral",
  fn,
  inputs,
  scale: "array",
  ...more,
});

const dims = (d: Partial<g.DotDimensions>) => (x: g.Tensor, y: g.Tensor) => g.dotGeneral(x, y, d);
const einsum = (equation: string, x: g.Shape, y: g.Shape): Case =>
  row(`einsum ${equation}`, (a, b) => g.einsum(equation, a, b), [draw(x, 36), draw(y, 37)]);

export const dotCases: readonly Case[] = [
  row(
    "dotGeneral",
    dims({ lhsContract: [1], rhsContract: [0] }),
    [draw([3, 4], 31), draw([4, 5], 32)],
    {
      dtypes: NUMBERS,
    },
  ),
  row("dotGeneral over two axes", dims({ lhsContract: [0, 2], rhsContract: [2, 1] }), [
    draw([2, 3, 4], 31),
    draw([5, 4, 2], 32),
  ]),
  row(
    "dotGeneral with batch axes",
    dims({ lhsBatch: [2, 0], rhsBatch: [0, 1], lhsContract: [1], rhsContract: [3] }),
    [draw([2, 3, 4, 2], 31), draw([4, 2, 5, 3], 32)],
    { dtypes: FLOATS },
  ),
  row("dotGeneral as an outer product", dims({}), [draw([3], 31), draw([2, 2], 32)]),
  row("dotGeneral of scalars", dims({}), [draw([], 31), draw([], 32)]),
  row("dotGeneral over nothing", dims({ lhsContract: [1], rhsContract: [0] }), [
    draw([2, 0], 31),
    draw([0, 3], 32),
  ]),
  row("dotGeneral of nothing", dims({ lhsContract: [1], rhsContract: [0] }), [
    draw([0, 2], 31),
    draw([2, 3], 32),
  ]),
  row(
    "dotGeneral to float32",
    dims({ lhsContract: [1], rhsContract: [0], dtype: "float32" }),
    [draw([3, 40], 31), draw([40, 2], 32)],
    { dtypes: ["bfloat16", "float16"], ulps: 8, gradient: "kinked" },
  ),
  row("dotGeneral wraps", dims({ lhsContract: [0], rhsContract: [0] }), [
    array([2 ** 31 - 1, -77777777, 3], "int32"),
    array([12345678, 2 ** 31 - 1, 5], "int32"),
  ]),
  row("matmul of vectors", g.matmul, [draw([4], 33), draw([4], 34)]),
  row("matmul of a vector and a matrix", g.matmul, [draw([4], 33), draw([4, 3], 34)]),
  row("matmul of a matrix and a vector", g.matmul, [draw([3, 4], 33), draw([4], 34)]),
  row("matmul of a stack and a vector", g.matmul, [draw([2, 3, 4], 33), draw([4], 34)]),
  row("matmul of a vector and a stack", g.matmul, [draw([4], 33), draw([2, 4, 3], 34)]),
  row("matmul of a stack and a matrix", g.matmul, [draw([2, 3, 4], 33), draw([4, 5], 34)]),
  row("matmul broadcasts", g.matmul, [draw([3, 1, 2, 4], 33), draw([2, 4, 3], 34)]),
  row("matmul by itself", (a) => g.matmul(a, a), [draw([3, 3], 35)]),
  einsum("bqhd,bkhd->bhqk", [2, 3, 2, 4], [2, 5, 2, 4]),
  einsum("ij,jk->ki", [2, 3], [3, 4]),
  einsum("ij,jk->k", [2, 3], [3, 4]),
  einsum("i,j->ji", [2], [3]),
  einsum("abc,c->ab", [2, 3, 4], [4]),
  einsum("ab,ab->", [2, 3], [2, 3]),
];
