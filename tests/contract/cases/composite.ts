/** @file Contract rows: composites, and gradients given by hand. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, array, draw } from "../table.ts";

const x = draw([2, 3, 4], 101);
const image = draw([2, 2, 3, 4], 102);
const scale = draw([4], 103, { from: 0.5, to: 1.5 });
const bias = draw([4], 104);
const q = draw([2, 3, 2, 4], 105);
const kv = (seed: number) => draw([2, 5, 2, 4], seed);
const odd = array(
  [-Infinity, 0, 1, -Infinity, -Infinity, -Infinity, 1000, 999, -1000, NaN, 1, 2],
  "float32",
  [4, 3],
);

const infinite = array(
  [1, Infinity, 2, Infinity, Infinity, 1, Infinity, -Infinity, 1, -Infinity, -Infinity, -Infinity],
  "float32",
  [4, 3],
);

const row = (
  of: g.CompositeName,
  name: string,
  fn: Case["fn"],
  inputs: Case["inputs"],
  more: Partial<Case> = {},
): Case => ({
  name,
  of,
  fn,
  inputs,
  scale: "array",
  ulps: 8,
  ...more,
});

/** sin(x)·w by a rule of its own, which gives the right gradient. */
const scaledSin = g.customGradient(
  (a, k) => ({ outputs: [g.mul(g.sin(a), k)], residuals: [g.cos(a), g.sin(a), k] }),
  ([c, s, k], [d]) => [g.mul(d, g.mul(c, k)), g.mul(d, s)],
);
/** The identity, whose rule doubles the gradient. */
const doubled = g.customGradient(
  (a) => ({ outputs: [a], residuals: [] }),
  (_residuals, [d]) => [g.mul(d, 2)],
);

export const compositeCases: readonly Case[] = [
  row("softmax", "softmax", (a) => g.softmax(a), [x], { dtypes: FLOATS }),
  row("softmax", "softmax along a middle axis", (a) => g.softmax(a, 1), [x]),
  row("softmax", "softmax of odd numbers", (a) => g.softmax(a), [odd], { gradient: "none" }),
  row("softmax", "softmax of infinities", (a) => g.softmax(a), [infinite], { gradient: "none" }),
  row("logSoftmax", "logSoftmax of infinities", (a) => g.logSoftmax(a), [infinite], {
    gradient: "none",
  }),
  row("logSoftmax", "logSoftmax", (a) => g.logSoftmax(a), [x], { dtypes: FLOATS }),
  row("logSoftmax", "logSoftmax along the first axis", (a) => g.logSoftmax(a, 0), [x]),
  row("logSoftmax", "logSoftmax of odd numbers", (a) => g.logSoftmax(a), [odd], {
    gradient: "none",
  }),
  row("layerNorm", "layerNorm", (a, s, b) => g.layerNorm(a, s, b), [x, scale, bias], {
    dtypes: FLOATS,
  }),
  row("layerNorm", "layerNorm of a constant", (a, s, b) => g.layerNorm(a, s, b, 1e-2), [
    array([3, 3, 3, 3], "float32", [1, 4]),
    scale,
    bias,
  ]),
  row("rmsNorm", "rmsNorm", (a, s) => g.rmsNorm(a, s), [x, scale], { dtypes: FLOATS }),
  row("groupNorm", "groupNorm", (a, s, b) => g.groupNorm(a, s, b, 2), [image, scale, bias], {
    dtypes: FLOATS,
  }),
  row(
    "groupNorm",
    "groupNorm of a sequence",
    (a, s, b) => g.groupNorm(a, s, b, 4, 1e-5),
    [x, scale, bias],
    { ulps: 16 }, // groups of three numbers
  ),
  row("groupNorm", "groupNorm of nothing", (a, s, b) => g.groupNorm(a, s, b, 2), [
    draw([0, 2, 4], 106),
    scale,
    bias,
  ]),
  row("gelu", "gelu", (a) => g.gelu(a), [x], { dtypes: FLOATS }),
  row("gelu", "gelu of odd numbers", (a) => g.gelu(a), [array([30, -30, 0, NaN])], {
    gradient: "kinked",
  }),
  row("gelu", "geluExact", (a) => g.geluExact(a), [x], { dtypes: FLOATS }),
  row("gelu", "geluExact of odd numbers", (a) => g.geluExact(a), [array([30, -30, 0, NaN])], {
    gradient: "kinked",
  }),
  row("gelu", "gelu of a scalar", (a) => [g.gelu(a), g.geluExact(a)], [draw([], 113)]),
  {
    name: "normalisations of halves whose squares overflow",
    of: "layerNorm",
    fn: (a) => {
      const [ones, zeros] = [g.ones([4], a.dtype), g.zeros([4], a.dtype)];
      const big = g.mul(a, g.tensor([600, -600, 600, -600], a.dtype));
      return [
        g.layerNorm(big, ones, zeros),
        g.rmsNorm(big, ones),
        g.groupNorm(big, ones, zeros, 1),
      ];
    },
    inputs: [draw([1, 4], 114, { from: 1, to: 1 })],
    dtypes: ["float16"],
    gradient: "none",
    expected: [
      [1, -1, 1, -1],
      [1, -1, 1, -1],
      [1, -1, 1, -1],
    ],
  },
  row("attention", "attention", (a, b, c) => g.attention(a, b, c), [q, kv(107), kv(108)], {
    dtypes: FLOATS,
  }),
  row("attention", "attention with a mask", (a, b, c, m) => g.attention(a, b, c, m), [
    q,
    kv(107),
    kv(108),
    draw([2, 2, 3, 5], 109),
  ]),
  row(
    "attention",
    "attention with a broadcast mask",
    (a, b, c) =>
      g.attention(a, b, c, g.constant(array([0, 0, -Infinity, 0, -Infinity], "float32", [1, 5]))),
    [q, kv(107), kv(108)],
    { dtypes: ["float32"], gradient: "kinked" },
  ),
  row("attention", "attention to itself", (a) => g.attention(a, a, a), [q]),
  row(
    "customGradient",
    "customGradient",
    (a, k) => scaledSin(g.sin(a), k),
    [x, draw([2, 3, 4], 110)],
    { dtypes: FLOATS },
  ),
  row("customGradient", "customGradient that doubles", (a) => g.mul(doubled(g.sin(a))[0], a), [x], {
    gradient: "kinked",
  }),
  row(
    "customGradient",
    "customGradient in scan",
    (h, xs) => g.scan(([s], [a]) => ({ carry: scaledSin(s, a) }), [h], [xs]).carry,
    [draw([3], 111), draw([4, 3], 112)],
  ),
];
