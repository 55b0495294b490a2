/** @file Contract rows: access by index and at run-time positions, order. */

import * as g from "../../../src/graph/index.ts";
import { type Case, NUMBERS, array, draw } from "../table.ts";

const ALL: readonly g.DType[] = [...NUMBERS, "bool"];
const table = draw([4, 3], 81);
const cube = draw([2, 4, 3], 82);
const ids = array([0, 3, 1, 3, 2, 0], "int32", [3, 2]);
const wild = array([-1, 4, 2, -100, 1000, 0], "int32", [3, 2]);
const rowIds = array([1, 0, 3, 3, 9, -9], "int32", [2, 3]);
const nothing = array([], "int32", [0]);
const along = array([2, 0, 1, 1, 1, 0], "int32", [2, 1, 3]);
const scalars = (...values: number[]) => values.map((v) => array([v], "int32", []));

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
  ...more,
});

const update = (
  operand: Case["inputs"][number],
  indices: g.HostArray,
  updates: g.Shape,
  dims: Partial<g.GatherDimensions> = {},
) => ({
  fn: (x: g.Tensor, i: g.Tensor, u: g.Tensor) => g.scatterAdd(x, i, u, dims),
  inputs: [operand, indices, draw(updates, 83)],
});
const scatter = (
  name: string,
  { fn, inputs }: ReturnType<typeof update>,
  more: Partial<Case> = {},
): Case =>
  row("scatterAdd", `scatterAdd ${name}`, fn as Case["fn"], inputs, { scale: "array", ...more });

/** Rows of the scatters that do not add, each about the same places. */
const writing = (
  of: "scatterSet" | "scatterMax" | "scatterMin",
  dtypes: readonly g.DType[],
): readonly Case[] => {
  const on = (
    name: string,
    operand: Case["inputs"][number],
    indices: g.HostArray,
    updates: Case["inputs"][number],
    { dims = {}, ...more }: Partial<Case> & { dims?: Partial<g.GatherDimensions> } = {},
  ): Case =>
    row(of, `${of} ${name}`, (x, i, u) => g[of](x, i, u, dims), [operand, indices, updates], more);
  const later = { axis: 2, batchDims: 1 };
  const wide = array([2 ** 32 - 1, 1], "uint32");
  const tied = array([1, 3, 3, 2, 0, 0], "float32", [3, 2]);
  return [
    on("rows", table, ids, draw([3, 2, 3], 83), { dtypes }),
    on("drops", table, wild, draw([3, 2, 3], 83)),
    on("drops large uint32", table, wide, draw([2, 3], 83)),
    on("by bytes", draw([300, 1], 85), array([255, 0, 255], "uint8"), draw([3, 1], 83)),
    on("columns", table, array([2, 2, 0], "int32"), draw([4, 3], 83), { dims: { axis: 1 } }),
    on("along a later axis", cube, rowIds, draw([2, 4, 3], 83), { dims: later }),
    on("by a scalar", table, array([2], "int32", []), draw([3], 83)),
    on("nothing", table, nothing, draw([0, 3], 83)),
    on("into nothing", draw([0, 2], 86), array([0, 1], "int32"), draw([2, 2], 83)),
    on("at ties", array([1, 3, 3, 2], "float32", [2, 2]), array([0, 1, 0], "int32"), tied, {
      gradient: "kinked",
    }),
    on("of NaN", array([NaN, 1, 2, 3]), array([0, 1, 2, 2], "int32"), array([5, NaN, 7, NaN]), {
      gradient: "none",
    }),
    on("of infinities", array([-Infinity, 1, Infinity]), array([0, 0, 2, 1], "int32"), odds, {
      gradient: "none",
    }),
  ];
};
const odds = array([-Infinity, 3, Infinity, -Infinity]);

const at = (...starts: g.Tensor[]) => starts;
const few = draw([3, 5], 84, { whole: [0, 3] });
const ties = array([2, 1, 2, 1, 2, 3, 3, 1, 3, 1], "float32", [2, 5]);
const signed = array([NaN, 1, Infinity, -Infinity, NaN, 3, 0, -1, 2, Infinity], "float32", [2, 5]);
const odd = array([NaN, 1, Infinity, -Infinity, NaN, -0, 0, -1, 2, Infinity], "float32", [2, 5]);

const ramp = array([10, 11, 12, 13, 14]);
/** What never is negative in mathematics, and is in 32 bits. */
const OVERFLOWS = [
  { of: "|−2³¹|", overflow: g.abs, indices: array([-(2 ** 31), 0, -1, 4], "int32") },
  {
    of: "a square beyond 2³¹",
    overflow: (i: g.Tensor) => g.mul(i, i),
    indices: array([50_000, 0, 1, 2], "int32"),
  },
];

export const gatherCases: readonly Case[] = [
  row("gather", "gather rows", (x, i) => g.gather(x, i), [table, ids], { dtypes: ALL }),
  row("gather", "gather columns", (x, i) => g.gather(x, i, { axis: 1 }), [
    table,
    array([2, 0], "uint32"),
  ]),
  row("gather", "gather by bytes", (x, i) => g.gather(x, i), [
    draw([300, 1], 85),
    array([255, 0, 7], "uint8"),
  ]),
  row("gather", "gather clamps", (x, i) => g.gather(x, i), [table, wild]),
  row("gather", "gather clamps large uint32", (x, i) => g.gather(x, i), [
    table,
    array([2 ** 32 - 1, 1], "uint32"),
  ]),
  ...OVERFLOWS.flatMap(({ of, overflow, indices }) => [
    row("gather", `gather at ${of}`, (x, i) => g.gather(x, overflow(i)), [ramp, indices], {
      gradient: "none",
      expected: [[10, 10, 11, 14]],
    }),
    row(
      "gather",
      `gather at ${of} in a scan`,
      (x, i) =>
        g.scan(([c], [k]) => ({ carry: [g.add(c, g.gather(x, overflow(k)))] }), [g.scalar(0)], [i])
          .carry,
      [ramp, indices],
      { gradient: "none", expected: [[45]] },
    ),
    row(
      "scatterAdd",
      `scatterAdd at ${of}`,
      (x, i) => g.scatterAdd(x, overflow(i), g.ones([4])),
      [ramp, indices],
      { gradient: "none", expected: [[11, 12, 12, 13, 15]] },
    ),
    row(
      "dynamicSlice",
      `dynamicSlice at ${of}`,
      (x, i) => g.dynamicSlice(x, [overflow(g.indexAxis(i, 0, 0))], [2]),
      [ramp, indices],
      { gradient: "none", expected: [[10, 11]] },
    ),
    row(
      "dynamicUpdateSlice",
      `dynamicUpdateSlice at ${of}`,
      (x, i) => g.dynamicUpdateSlice(x, g.zeros([2]), [overflow(g.indexAxis(i, 0, 0))]),
      [ramp, indices],
      { gradient: "none", expected: [[0, 0, 12, 13, 14]] },
    ),
  ]),
  row("gather", "gather with a batch axis", (x, i) => g.gather(x, i, { axis: 1, batchDims: 1 }), [
    cube,
    rowIds,
  ]),
  row("gather", "gather along a later axis", (x, i) => g.gather(x, i, { axis: 2, batchDims: 1 }), [
    cube,
    rowIds,
  ]),
  row("gather", "gather by a scalar", (x, i) => g.gather(x, i), [table, array([2], "int32", [])]),
  row("gather", "gather nothing", (x, i) => g.gather(x, i), [table, nothing]),
  row("gather", "gather nothing from nothing", (x, i) => g.gather(x, i), [
    draw([0, 2], 86),
    nothing,
  ]),
  row("gather", "take", (x, i) => g.take(x, i, 1), [cube, ids]),
  row("gather", "takeAlongAxis", (x, i) => g.takeAlongAxis(x, i, 1), [cube, along]),
  row("compare", "oneHot", (i) => g.oneHot(i, 4), [wild], { dtypes: ["float32"] }),
  row("compare", "oneHot of bytes", (i) => g.oneHot(i, 300), [array([255, 0], "uint8")]),
  scatter("rows", update(table, ids, [3, 2, 3]), { dtypes: NUMBERS }),
  scatter("drops", update(table, wild, [3, 2, 3])),
  scatter("drops large uint32", update(table, array([2 ** 32 - 1, 1], "uint32"), [2, 3])),
  scatter("by bytes", update(draw([300, 1], 85), array([255, 0, 255], "uint8"), [3, 1])),
  scatter("columns", update(table, array([2, 2, 0], "int32"), [4, 3], { axis: 1 })),
  scatter("with a batch axis", update(cube, rowIds, [2, 3, 3], { axis: 1, batchDims: 1 })),
  scatter("along a later axis", update(cube, rowIds, [2, 4, 3], { axis: 2, batchDims: 1 })),
  scatter("nothing", update(table, nothing, [0, 3])),
  scatter("into nothing", update(draw([0, 2], 86), array([0, 1], "int32"), [2, 2])),
  ...writing("scatterSet", ALL),
  ...writing("scatterMax", NUMBERS),
  ...writing("scatterMin", NUMBERS),
  row(
    "scatterSet",
    "scatterSet of one row by many",
    (x, u) => g.scatterSet(x, g.full([4096], 1, "int32"), g.reshape(u, [4096, 2])),
    [draw([2, 2], 90), draw([8192], 91)],
    { gradient: "kinked" },
  ),
  row(
    "dynamicSlice",
    "dynamicSlice",
    (x, i, j) => g.dynamicSlice(x, at(i, j), [2, 2]),
    [table, ...scalars(1, 1)],
    {
      dtypes: ALL,
    },
  ),
  row("dynamicSlice", "dynamicSlice clamps", (x, i, j) => g.dynamicSlice(x, at(i, j), [2, 2]), [
    table,
    ...scalars(7, -3),
  ]),
  row("dynamicSlice", "dynamicSlice by bytes", (x, i) => g.dynamicSlice(x, at(i), [3]), [
    draw([300], 85),
    array([254], "uint8", []),
  ]),
  row("dynamicSlice", "dynamicSlice to nothing", (x, i) => g.dynamicSlice(x, at(i, i), [0, 2]), [
    table,
    ...scalars(1),
  ]),
  row(
    "dynamicUpdateSlice",
    "dynamicUpdateSlice",
    (x, u, i, j) => g.dynamicUpdateSlice(x, u, at(i, j)),
    [table, draw([2, 2], 87), ...scalars(2, 0)],
    { dtypes: ALL },
  ),
  row(
    "dynamicUpdateSlice",
    "dynamicUpdateSlice clamps",
    (x, u, i, j) => g.dynamicUpdateSlice(x, u, at(i, j)),
    [table, draw([2, 2], 87), ...scalars(-5, 9)],
  ),
  row(
    "dynamicUpdateSlice",
    "dynamicUpdateSlice with nothing",
    (x, u, i) => g.dynamicUpdateSlice(x, u, at(i, i)),
    [table, draw([0, 2], 87), ...scalars(1)],
  ),
  row("sort", "sort", (x) => g.sort(x), [few], { dtypes: NUMBERS }),
  row("sort", "sort along the first axis", (x) => g.sort(x, 0), [draw([3, 2, 2], 88)]),
  row("sort", "sort odd numbers", (x) => g.sort(x), [odd], { gradient: "none" }),
  row("sort", "sort nothing", (x) => g.sort(x), [draw([2, 0], 88)]),
  row("sort", "argSort at ties", (x) => g.argSort(x), [ties]),
  row("sort", "argSort of odd numbers", (x) => g.argSort(x), [odd]),
  row("sort", "argSort", (x) => g.argSort(x, 0), [few], { dtypes: NUMBERS }),
  row("sort", "sortWith", (k, v) => g.sortWith(k, [v], 0), [draw([4, 2], 88), draw([4, 2], 89)]),
  row("sort", "sortWith integers", (k, v) => g.sortWith(k, [v])[1], [
    array([3, 1, 2, 1], "uint32"),
    draw([4], 89),
  ]),
  row("topK", "topK", (x) => Object.values(g.topK(x, 2)), [few], { dtypes: NUMBERS }),
  row("topK", "topK at ties", (x) => Object.values(g.topK(x, 4)), [ties], { gradient: "kinked" }),
  row("topK", "topK of odd numbers", (x) => Object.values(g.topK(x, 4)), [signed], {
    gradient: "none",
  }),
  row("topK", "topK of none", (x) => Object.values(g.topK(x, 0)), [few]),
];
