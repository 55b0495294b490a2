/** @file Contract rows: random bits, identities with a meaning, recomputation, control flow. */

import * as g from "../../../src/graph/index.ts";
import { threefry2x32 } from "../../../src/graph/ops/random.ts";
import { type Case, FLOATS, array, draw } from "../table.ts";

const x = draw([2, 3], 91);
const w = draw([3, 3], 92, { from: -0.7, to: 0.7 });
const xs = draw([4, 3], 93);
const words = (seed: number) => draw([5], seed, { whole: [0, 2 ** 32 - 1] });

const row = (
  of: g.PrimitiveName,
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
  ...more,
});

const layer = (a: g.Tensor, k: g.Tensor): g.Tensor => g.tanh(g.matmul(g.sin(g.matmul(a, k)), k));
const remat = (save?: g.SavePolicy) => (a: g.Tensor, k: g.Tensor) =>
  g.remat((b, l) => [layer(b, l)], save)(a, k);

/** A recurrent layer: its state is the carry, its kernel is captured. */
const recurrent =
  (step: (h: g.Tensor, x: g.Tensor, k: g.Tensor) => g.Tensor, options: g.ScanOptions = {}) =>
  (h: g.Tensor, inputs: g.Tensor, k: g.Tensor): g.Tensor[] => {
    const { carry, ys } = g.scan(
      ([state], [input]) => {
        const next = step(state, input, k);
        return { carry: [next], ys: [g.mul(next, input)] };
      },
      [h],
      [inputs],
      options,
    );
    return [...carry, ...ys];
  };
const cell = (h: g.Tensor, input: g.Tensor, k: g.Tensor) => g.sin(g.add(g.matmul(h, k), input));
const state = draw([3], 94);

const branches = (p: g.Tensor, a: g.Tensor, b: g.Tensor): g.Tensor[] =>
  g.cond(
    p,
    (u) => [g.mul(g.sin(u), b), u],
    (u) => [g.exp(u), g.mul(u, 2)],
    a,
  );
const yes = array([1], "bool", []);
const no = array([0], "bool", []);

/** Newton's iteration for √a, until it stands still. */
const newton = (a: g.Tensor): g.Tensor[] =>
  g.whileLoop(
    (r, steps) =>
      g.logicalAnd(g.less(steps, 50), g.greater(g.reduceMax(g.abs(g.sub(g.mul(r, r), a))), 1e-3)),
    (r, steps) => [g.mul(g.add(r, g.div(a, r)), 0.5), g.add(steps, 1)],
    [g.onesLike(a), g.scalar(0, "int32")],
  );

/** a minus twice, or once, the negation of −a; and halved forty times while a is taken away. */
const NEGATED: Readonly<Record<string, readonly number[]>> = {
  scan: [-1, 2, -3],
  "a long scan": [1, -2, 3].map((a) => -2 * a + 3 * a * 2 ** -40),
  cond: [0, 0, 0],
  whileLoop: [-1, 2, -3],
  remat: [0, 0, 0],
};

export const controlCases: readonly Case[] = [
  row("threefry2x32", "threefry2x32", threefry2x32, [words(95), words(96), words(97), words(98)], {
    dtypes: ["uint32"],
  }),
  row("stopGradient", "stopGradient", (a) => g.mul(g.stopGradient(g.exp(a)), a), [x], {
    dtypes: FLOATS,
    gradient: "kinked",
  }),
  row("stopGradient", "stopGradient of integers", (a) => g.stopGradient(a), [x], {
    dtypes: ["int32"],
  }),
  row("barrier", "barrier", (a, b) => g.barrier([g.sin(a), b, g.sin(a)]), [x, w], {
    dtypes: FLOATS,
  }),
  row(
    "withSharding",
    "withSharding",
    (a) => g.mul(g.withSharding(a, ["data"]), 2),
    [array([1, -2, 3, 4], "float32", [2, 2])],
    { expected: [[2, -4, 6, 8]] },
  ),
  row("debugPrint", "debugPrint", (a) => g.mul(g.debugPrint("a", g.sin(a)), a), [x]),
  row("remat", "remat saving nothing", remat(), [x, w], { dtypes: FLOATS, ulps: 12 }),
  row("remat", "remat saving products", remat(g.saveDots), [x, w], { ulps: 12 }),
  row(
    "remat",
    "remat around captured tensors",
    (a, k) => g.remat((b) => [layer(b, g.sin(k)), g.mul(b, 2)])(g.cos(a)),
    [x, w],
    { ulps: 12 },
  ),
  row(
    "remat",
    "remat in remat",
    (a, k) => g.remat((b) => g.remat((c) => [layer(c, k)], g.saveDots)(g.sin(b)))(a),
    [x, w],
    {
      ulps: 12,
    },
  ),
  ...Object.entries({
    scan: (a, outer) =>
      g.scan(([c]) => ({ carry: [g.sub(c, g.neg(outer))] }), [a], [], { length: 2 }).carry,
    "a long scan": (a, outer) =>
      g.scan(
        ([c], [k]) => ({ carry: [g.sub(g.mul(c, k), g.neg(outer))] }),
        [a],
        [g.full([40], 0.5, a.dtype)],
      ).carry,
    cond: (a, outer) =>
      g.cond(
        g.less(g.reduceSum(a), 1e6),
        (b) => [g.sub(b, g.neg(outer))],
        (b) => [b],
        a,
      ),
    whileLoop: (a, outer) =>
      g
        .whileLoop(
          (n) => g.less(n, 2),
          (n, c) => [g.add(n, 1), g.sub(c, g.neg(outer))],
          [g.scalar(0), a],
        )
        .slice(1),
    remat: (a, outer) => g.remat((b) => [g.sub(b, g.neg(outer))])(a),
  } satisfies Record<string, (a: g.Tensor, outer: g.Tensor) => readonly g.Tensor[]>).map(
    ([name, fn]) =>
      row(
        name.replace("a long ", "") as g.PrimitiveName,
        `${name} that negates a captured negation`,
        (a) => fn(a, g.neg(a)),
        [array([1, -2, 3])],
        { ...(name === "whileLoop" && { gradient: "none" }), expected: [NEGATED[name]] },
      ),
  ),
  row("remat", "remat of one result", (a) => g.remat((b) => g.mul(b, b))(a), [array([1, -3])], {
    expected: [[1, 9]],
  }),
  row("remat", "remat of a scan", (h, i, k) => g.remat(recurrent(cell))(h, i, k), [state, xs, w], {
    ulps: 12,
  }),
  row("scan", "scan", recurrent(cell), [state, xs, w], { dtypes: FLOATS, ulps: 12 }),
  row("scan", "scan in reverse", recurrent(cell, { reverse: true }), [state, xs, w], { ulps: 12 }),
  row("scan", "scan of no steps", recurrent(cell), [state, draw([0, 3], 93), w]),
  row(
    "scan",
    "scan without inputs",
    (h, k) => g.scan(([s]) => ({ carry: [g.sin(g.matmul(s, k))] }), [h], [], { length: 3 }).carry,
    [state, w],
    {
      ulps: 12,
    },
  ),
  row(
    "scan",
    "a long scan without inputs",
    (h) => {
      const step = ([s]: g.Tensor[]) => ({ carry: [g.sin(s)], ys: [g.mul(s, s)] });
      const { carry, ys } = g.scan(step, [h], [], { length: 40, reverse: true });
      return [...carry, ...ys];
    },
    [state],
    { ulps: 12 },
  ),
  ...[false, true].map((reverse) =>
    row(
      "dynamicUpdateSlice",
      `a cache in a long scan${reverse ? " in reverse" : ""}`,
      (a) => {
        const step = ([cache, n]: g.Tensor[], [key]: g.Tensor[]) => {
          const at = [n, g.scalar(0, "int32")];
          const next = g.dynamicUpdateSlice(cache, g.reshape(key, [1, 1024]), at);
          return {
            carry: [next, g.add(n, 1)],
            ys: [g.reduceSum(g.mul(g.sliceAxis(next, 1, 0, 8), g.sliceAxis(key, 0, 0, 8)))],
          };
        };
        const keys = g.add(g.mul(g.reshape(a, [37, 1]), g.ones([1, 1024])), 1);
        const initial = [g.zeros([64, 1024]), g.scalar(0, "int32")];
        const { carry, ys } = g.scan(step, initial, [keys], { reverse });
        return [g.sliceAxis(carry[0], 1, 5, 6), carry[1], ...ys];
      },
      [draw([37], 90, { from: -1, to: 1 })],
      { gradient: "kinked", ulps: 32, large: true },
    ),
  ),
  row(
    "scan",
    "scan without a carry",
    (i, k) => g.scan((_c, [a]) => ({ carry: [], ys: [g.sin(g.matmul(a, k))] }), [], [i]).ys,
    [xs, w],
  ),
  row(
    "scan",
    "scan with a counter and an outer constant",
    (h, i) => {
      const scale = g.exp(g.reduceSum(i, 0));
      const { carry, ys } = g.scan(
        ([s, n], [a]) => ({
          carry: [g.add(g.mul(s, 0.5), g.mul(a, g.sin(scale))), g.add(n, 1)],
          ys: [g.mul(s, g.convert(n, s.dtype)), n],
        }),
        [h, g.scalar(0, "int32")],
        [i],
      );
      return [...carry, ...ys];
    },
    [state, draw([4, 3], 93, { from: -0.5, to: 0.5 })],
    { ulps: 12 },
  ),
  row(
    "scan",
    "scan that passes its carry through",
    (h, i) => {
      const { carry, ys } = g.scan(
        ([a, b], [c]) => ({ carry: [b, a], ys: [g.mul(a, c), c] }),
        [h, g.sin(h)],
        [i],
      );
      return [...carry, ...ys];
    },
    [state, xs],
  ),
  row(
    "scan",
    "scan in scan",
    (h, i, k) =>
      g.scan(
        ([s], [a]) => {
          const inner = recurrent(cell)(s, g.mul(i, g.reshape(a, [1, 3])), k);
          return { carry: [inner[0]], ys: [g.reduceSum(inner[1], 0)] };
        },
        [h],
        [g.sliceAxis(i, 0, 0, 2)],
      ).ys,
    [state, xs, w],
    { ulps: 16 },
  ),
  row(
    "scan",
    "scan of remat",
    recurrent((h, i, k) => g.remat((a, b) => [cell(a, b, k)])(h, i)[0]),
    [state, xs, w],
    { ulps: 12 },
  ),
  row(
    "scan",
    "scan of remat saving products",
    recurrent((h, i, k) => g.remat((a, b) => [cell(g.sin(a), b, k)], g.saveDots)(h, i)[0]),
    [state, xs, w],
    { ulps: 12 },
  ),
  row(
    "scan",
    "scan over integers",
    (ids, table) =>
      g.scan(
        ([s], [i]) => ({ carry: [g.sin(g.add(s, g.take(table, i)))], ys: [i] }),
        [g.zerosLike(g.indexAxis(table, 0, 0))],
        [ids],
      ).carry,
    [array([2, 0, 1, 2, 9], "int32"), draw([3, 2], 100)],
  ),
  row(
    "scan",
    "scan of composites",
    (h, scales, biases) =>
      g.scan(
        ([s], [k, b]) => ({ carry: [g.add(s, g.gelu(g.layerNorm(s, k, b)))], ys: [g.softmax(s)] }),
        [h],
        [scales, biases],
      ).ys,
    [draw([2, 4], 101), draw([3, 4], 102, { from: 0.5, to: 1.5 }), draw([3, 4], 103)],
    { ulps: 24 },
  ),
  row("remat", "remat of cond", (p, a, b) => g.remat((q, u) => branches(q, g.sin(u), b))(p, a), [
    yes,
    x,
    draw([2, 3], 99),
  ]),
  row("cond", "cond when true", branches, [yes, x, draw([2, 3], 99)], { dtypes: FLOATS }),
  row("cond", "cond when false", branches, [no, x, draw([2, 3], 99)]),
  row(
    "cond",
    "cond in scan",
    (h, i) =>
      g.scan(
        ([s], [a]) => ({
          carry: g.cond(
            g.greater(g.reduceSum(a), 0),
            (t) => [g.sin(g.mul(t, a))],
            (t) => [g.add(t, a)],
            s,
          ),
        }),
        [h],
        [i],
      ).carry,
    [state, xs],
    { ulps: 12 },
  ),
  row("whileLoop", "whileLoop", newton, [draw([3], 95, { from: 1, to: 9 })], { gradient: "none" }),
  ...[1, 2, 7, 8].map((n) =>
    row(
      n === 1 ? "mul" : "pad",
      `associativeScan of ${n}`,
      (a, b) => {
        const linear = ([c, d]: g.Tensor[], [e, f]: g.Tensor[]) => [
          g.mul(c, e),
          g.add(g.mul(d, e), f),
        ];
        return g.associativeScan(linear, [g.mul(a, b), b]);
      },
      [draw([n, 2], 97), draw([n, 2], 98)],
    ),
  ),
  row(
    "pad",
    "associativeScan of matrices, reversed along a later axis",
    (a) => g.associativeScan(([l], [r]) => [g.matmul(l, r)], [a], { axis: 1, reverse: true }),
    [draw([2, 5, 2, 2], 99)],
    { ulps: 12 },
  ),
  row(
    "pad",
    "associativeScan of integers",
    (a) => g.associativeScan(([l], [r]) => [g.add(l, r)], [a], { axis: -1 }),
    [draw([2, 6], 99)],
    { dtypes: ["int32", "uint8"] },
  ),
  row(
    "whileLoop",
    "whileLoop with captures",
    (a, step) =>
      g.whileLoop(
        (v) => g.less(g.reduceSum(v), 50),
        (v) => [g.add(v, step)],
        [a],
      ),
    [x, draw([], 96, { from: 1, to: 3 })],
    { gradient: "none" },
  ),
];
