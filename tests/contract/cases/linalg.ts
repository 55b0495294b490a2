/** @file Contract rows: factors, systems of equations, determinants. */

import * as g from "../../../src/graph/index.ts";
import { type Case, array, draw } from "../table.ts";

const row = (
  of: g.PrimitiveName,
  name: string,
  fn: Case["fn"],
  inputs: Case["inputs"],
  more: Partial<Case> = {},
): Case => ({ name, of, fn, inputs, scale: "array", ulps: 16, ...more });

/** Several blocks, of which the last is not full. Finite differences would take too long. */
const large: Partial<Case> = { gradient: "kinked", ulps: 64 };
/** Singular values near each other, by which gradients are divided, in JAX too. */
const close: Partial<Case> = { ulps: 32 };
const halves: Partial<Case> = { dtypes: ["float16", "bfloat16"], gradient: "none" };

/** a aᵀ + n I. */
const positive = (a: g.Tensor): g.Tensor =>
  g.add(g.matmul(a, g.matrixTranspose(a)), g.mul(g.eye(a.shape.at(-1)!, a.dtype), a.shape.at(-1)!));
/** Rows in reverse, so that elimination has to find its pivots. */
const regular = (a: g.Tensor): g.Tensor =>
  g.reverse(g.add(a, g.mul(g.eye(a.shape.at(-1)!, a.dtype), 4)), -2);

const small = draw([3, 3], 121);
const stacks = draw([2, 4, 4], 122);
const many = draw([70, 70], 123, { from: -1, to: 1 });
const sides = draw([4, 3], 124);
const nothing = draw([2, 0, 0], 125);

const systems = [
  { name: "lower", options: {} },
  { name: "upper", options: { lower: false } },
  { name: "lower transposed", options: { transpose: true } },
  { name: "upper transposed", options: { lower: false, transpose: true } },
  { name: "with a unit diagonal", options: { unitDiagonal: true } },
] as const;
const triangle = (a: g.Tensor): g.Tensor => g.add(a, g.mul(g.eye(a.shape.at(-1)!, a.dtype), 5));
const flat = (a: g.Tensor): g.Tensor => g.mul(a, 0.05);

/** Eigenvalues, and what the vectors' signs leave alone. */
const signless = (a: g.Tensor): g.Tensor[] => {
  const { values, vectors } = g.eigh(a);
  return [values, g.square(vectors)];
};
/** The exponential of a symmetric matrix. */
const exponential = (a: g.Tensor): g.Tensor => {
  const { values, vectors } = g.eigh(a);
  return g.matmul(g.mul(vectors, g.expandDims(g.exp(values), -2)), g.matrixTranspose(vectors));
};

/** Singular values, and what the vectors' signs leave alone. */
const parts = (a: g.Tensor): g.Tensor[] => {
  const { u, s, vt } = g.svd(a);
  return [g.square(u), s, g.square(vt)];
};
/** The nearest matrix with orthonormal columns. */
const polar = (a: g.Tensor): g.Tensor => {
  const { u, vt } = g.svd(a);
  return g.matmul(u, vt);
};
/** Singular values of a aᵀ, that matrix from its factors, and uᵀ u. */
const lowRank = (a: g.Tensor): g.Tensor[] => {
  const { u, s, vt } = g.svd(g.matmul(a, g.matrixTranspose(a)));
  const back = g.matmul(g.mul(u, g.expandDims(s, -2)), vt);
  return [s, back, g.matmul(g.matrixTranspose(u), u)];
};

export const linalgCases: readonly Case[] = [
  row("cholesky", "cholesky", (a) => g.cholesky(positive(a)), [small]),
  row("cholesky", "cholesky of a stack", (a) => g.cholesky(positive(a)), [stacks]),
  row("cholesky", "cholesky of a matrix that is not symmetric", (a) => g.cholesky(triangle(a)), [
    small,
  ]),
  row("cholesky", "cholesky in blocks", (a) => g.cholesky(positive(a)), [many], large),
  row("cholesky", "cholesky of nothing", (a) => g.cholesky(a), [nothing]),
  row(
    "cholesky",
    "cholesky of matrices of which one is not positive definite",
    (a) => g.cholesky(a),
    [array([4, 2, 2, 5, 1, 2, 2, 1], "float32", [2, 2, 2])],
    { gradient: "none", expected: [[2, 0, 1, 2, NaN, NaN, NaN, NaN]] },
  ),
  row(
    "cholesky",
    "cholesky of halves",
    (a) => g.cholesky(g.mul(a, g.tensor([[400, 200], [200, 500]], a.dtype))), // prettier-ignore
    [draw([2, 2], 126, { from: 1, to: 1 })],
    { ...halves, expected: [[20, 0, 10, 20]] },
  ),
  ...systems.map(({ name, options }) =>
    row(
      "triangularSolve",
      `triangularSolve ${name}`,
      (a, b) => g.triangularSolve(triangle(a), b, options),
      [stacks, sides],
    ),
  ),
  row(
    "triangularSolve",
    "triangularSolve in blocks",
    (a, b) => g.triangularSolve(triangle(a), b, { lower: false }),
    [many, draw([70, 2], 127)],
    large,
  ),
  row(
    "triangularSolve",
    "triangularSolve in blocks with a unit diagonal",
    (a, b) => g.triangularSolve(flat(a), b, { unitDiagonal: true }),
    [many, draw([70, 2], 127)],
    large,
  ),
  row(
    "triangularSolve",
    "triangularSolve of a vector",
    (a, b) => g.triangularSolve(triangle(a), b),
    [stacks, draw([4], 128)],
  ),
  row("triangularSolve", "triangularSolve of nothing", (a, b) => g.triangularSolve(a, b), [
    nothing,
    draw([2, 0, 3], 125),
  ]),
  row(
    "triangularSolve",
    "triangularSolve of halves",
    (a, b) => g.triangularSolve(g.mul(a, 2), b),
    [draw([2, 2], 126, { from: 1, to: 1 }), draw([2, 1], 126, { from: 4, to: 4 })],
    { ...halves, expected: [[2, 0]] },
  ),
  row("solve", "solve", (a, b) => g.solve(regular(a), b), [stacks, sides]),
  row("solve", "solve of a vector", (a, b) => g.solve(regular(a), b), [small, draw([3], 128)]),
  row("solve", "solve of one matrix and a stack", (a, b) => g.solve(regular(a), b), [
    small,
    draw([2, 3, 2], 129),
  ]),
  row(
    "solve",
    "solve in blocks",
    (a, b) => g.solve(regular(flat(a)), b),
    [many, draw([70, 2], 127)],
    {
      ...large,
    },
  ),
  row("solve", "solve without right-hand sides", (a, b) => g.solve(a, b), [
    small,
    draw([3, 0], 125),
  ]),
  row(
    "solve",
    "solve of halves",
    (a, b) => g.solve(g.mul(a, g.tensor([[0, 2], [4, 2]], a.dtype)), b), // prettier-ignore
    [draw([2, 2], 126, { from: 1, to: 1 }), draw([2, 1], 126, { from: 4, to: 4 })],
    { ...halves, expected: [[0, 2]] },
  ),
  row("solve", "inverse", (a) => g.inverse(regular(a)), [stacks]),
  row("slogdet", "slogdet", (a) => Object.values(g.slogdet(regular(a))), [stacks]),
  row(
    "slogdet",
    "slogdet in blocks",
    (a) => Object.values(g.slogdet(regular(flat(a)))),
    [many],
    large,
  ),
  row("slogdet", "logdet of positive definite matrices", (a) => g.logdet(positive(a)), [small]),
  row(
    "slogdet",
    "slogdet of singular matrices",
    (a) => Object.values(g.slogdet(a)),
    [array([1, 2, 2, 4, 0, 0, 0, 0, 0, -3, 2, 0], "float32", [3, 2, 2])],
    {
      gradient: "none",
      expected: [
        [0, 0, 1],
        [-Infinity, -Infinity, Math.log(6)],
      ],
    },
  ),
  row("slogdet", "slogdet of nothing", (a) => Object.values(g.slogdet(a)), [nothing]),
  row("qr", "qr", (a) => Object.values(g.qr(a)), [draw([2, 5, 3], 131)]),
  row("qr", "qr of square matrices", (a) => Object.values(g.qr(a)), [stacks]),
  row("qr", "qr of wide matrices", (a) => Object.values(g.qr(a)), [draw([3, 5], 132)]),
  row("qr", "qr in blocks", (a) => Object.values(g.qr(regular(flat(a)))), [many], large),
  row("qr", "qr of nothing", (a) => Object.values(g.qr(a)), [nothing]),
  row(
    "qr",
    "qr of matrices with zero columns",
    (a) => Object.values(g.qr(a)),
    [array([0, 3, 0, -4], "float32", [2, 2])],
    {
      gradient: "none",
      expected: [
        [1, 0, 0, -1],
        [0, 3, 0, 4],
      ],
    },
  ),
  row(
    "qr",
    "qr of halves",
    (a) => Object.values(g.qr(g.mul(a, g.tensor([[3, 5], [4, 10]], a.dtype)))), // prettier-ignore
    [draw([2, 2], 126, { from: 1, to: 1 })],
    {
      ...halves,
      expected: [
        [0.6, -0.8, 0.8, 0.6],
        [5, 11, 0, 2],
      ],
    },
  ),
  row("eigh", "eigh", signless, [small]),
  row("eigh", "eigh of a stack", signless, [stacks]),
  row("eigh", "eigh of one row", signless, [draw([2, 1, 1], 133)]),
  row("eigh", "eigh of odd size", signless, [draw([2, 5, 5], 134)]),
  row("eigh", "exponential by eigh", exponential, [stacks]),
  row("eigh", "eigh in blocks", (a) => exponential(flat(a)), [many], {
    ...large,
    gradient: "none",
  }),
  row("eigh", "eigh of equal eigenvalues", exponential, [draw([3, 3], 135, { from: 1, to: 1 })], {
    gradient: "none",
  }),
  row("eigh", "eigh of nothing", (a) => Object.values(g.eigh(a)), [nothing]),
  row(
    "eigh",
    "eigh of halves",
    (a) => g.eigh(g.mul(a, g.tensor([[3, 4], [4, -3]], a.dtype))).values, // prettier-ignore
    [draw([2, 2], 126, { from: 1, to: 1 })],
    { ...halves, expected: [[-5, 5]] },
  ),
  row("svd", "svd", parts, [draw([2, 5, 3], 141)], close),
  row("svd", "svd of square matrices", parts, [stacks]),
  row("svd", "svd of wide matrices", parts, [draw([3, 5], 142)]),
  row("svd", "svd in blocks", (a) => g.svd(a).s, [many], { ...large, gradient: "none" }),
  row("svd", "polar factor by svd", polar, [draw([2, 5, 3], 143)], close),
  row("svd", "svd of a matrix of low rank", lowRank, [draw([6, 2], 144)], { gradient: "none" }),
  row("svd", "svd of nothing", (a) => Object.values(g.svd(a)), [nothing]),
  row(
    "svd",
    "svd of zeros",
    (a) => Object.values(g.svd(a)),
    [array([0, 0, 0, 0, 0, 0], "float32", [3, 2])],
    {
      gradient: "none",
      expected: [
        [1, 0, 0, 1, 0, 0],
        [0, 0],
        [0, 1, 1, 0],
      ],
    },
  ),
  row(
    "svd",
    "svd of halves",
    (a) => g.svd(g.mul(a, g.tensor([[3, 0], [0, -4]], a.dtype))).s, // prettier-ignore
    [draw([2, 2], 126, { from: 1, to: 1 })],
    { ...halves, expected: [[4, 3]] },
  ),
  row(
    "pad",
    "triangles and the diagonal",
    (a) => [g.tril(a), g.triu(a), g.tril(a, 1), g.triu(a, 1), g.tril(a, -1), g.diagonal(a)],
    [stacks],
  ),
];
