/** @file Contract rows: moving, cutting and joining elements. */

import * as g from "../../../src/graph/index.ts";
import { type Case, NUMBERS, draw } from "../table.ts";

const ALL: readonly g.DType[] = [...NUMBERS, "bool"];
const x = draw([2, 3, 4], 71);
const m = draw([3, 4], 72);

const of =
  (primitive: g.PrimitiveName) =>
  (name: string, fn: Case["fn"], inputs: Case["inputs"] = [x], more: Partial<Case> = {}): Case => ({
    name,
    of: primitive,
    fn,
    inputs,
    ...more,
  });
const [reshape, transpose, broadcast, reverse, slice, pad, concatenate] = (
  ["reshape", "transpose", "broadcastInDim", "reverse", "slice", "pad", "concatenate"] as const
).map(of);

export const shapeCases: readonly Case[] = [
  reshape("reshape", (a) => g.reshape(a, [4, 6]), [x], { dtypes: ALL }),
  reshape("reshape with an open extent", (a) => g.reshape(a, [3, -1, 2])),
  reshape("reshape of nothing", (a) => g.reshape(a, [3, 0]), [draw([0, 2], 73)]),
  reshape("reshape to a scalar", (a) => g.reshape(a, []), [draw([1, 1], 73)]),
  reshape("expandDims", (a) => [g.expandDims(a, 1), g.expandDims(a, -1)]),
  reshape("squeeze", (a) => [g.squeeze(a), g.squeeze(a, 0), g.squeeze(a, [-1])], [
    draw([1, 3, 1], 74),
  ]),
  transpose("transpose", (a) => g.transpose(a), [x], { dtypes: ALL }),
  transpose("transpose by a permutation", (a) => g.transpose(a, [1, 2, 0])),
  transpose("transpose of nothing", (a) => g.transpose(a), [draw([0, 2], 73)]),
  transpose("moveAxis", (a) => [g.moveAxis(a, 0, -1), g.moveAxis(a, 2, 0), g.moveAxis(a, 1, 1)]),
  transpose("swapAxes", (a) => g.swapAxes(a, 0, -1)),
  broadcast("broadcastInDim", (a) => g.broadcastInDim(a, [3, 2, 4, 2], [0, 2]), [m], {
    dtypes: ALL,
    scale: "array",
  }),
  broadcast("broadcastInDim stretches", (a) => g.broadcastInDim(a, [2, 3, 4], [0, 2]), [
    draw([1, 4], 75),
  ]),
  broadcast("broadcastInDim of a scalar", (a) => g.broadcastInDim(a, [2, 2], []), [draw([], 75)]),
  broadcast("broadcastInDim to nothing", (a) => g.broadcastInDim(a, [0, 2], [1]), [draw([1], 75)]),
  broadcast("broadcastTo", (a) => g.broadcastTo(a, [2, 3, 4]), [draw([3, 1], 75)]),
  reverse("reverse", (a) => g.reverse(a, [0, 2]), [x], { dtypes: ALL }),
  reverse("reverse everything", (a) => g.reverse(a)),
  slice("slice", (a) => g.slice(a, [0, 1, 1], [2, 3, 3]), [x], { dtypes: ALL }),
  slice("slice with strides", (a) => g.slice(a, [0, 0, 1], [2, 3, 4], [1, 2, 2])),
  slice("slice to nothing", (a) => g.slice(a, [1, 0, 2], [2, 3, 2])),
  slice("sliceAxis", (a) => [
    g.sliceAxis(a, 2, -3, -1),
    g.sliceAxis(a, 1, 1),
    g.sliceAxis(a, -1, 0, 4, 3),
  ]),
  slice("indexAxis", (a) => [g.indexAxis(a, 1, 2), g.indexAxis(a, 2, -1)]),
  slice("split", (a) => [...g.split(a, 2, 2), ...g.split(a, [1, 0, 2], 1)]),
  pad(
    "pad",
    (a) =>
      g.pad(
        a,
        [
          [1, 2],
          [0, 1],
        ],
        7,
      ),
    [m],
    { dtypes: NUMBERS },
  ),
  pad(
    "pad with a tensor",
    (a, v) =>
      g.pad(
        a,
        [
          [1, 0],
          [2, 1],
        ],
        v,
      ),
    [m, draw([], 76)],
    { dtypes: ALL },
  ),
  pad(
    "pad inside",
    (a) =>
      g.pad(a, [
        [0, 0, 2],
        [1, 1, 1],
      ]),
    [m],
  ),
  pad(
    "pad negatively",
    (a, v) =>
      g.pad(
        a,
        [
          [-1, 0],
          [1, -2],
        ],
        v,
      ),
    [m, draw([], 76)],
  ),
  pad(
    "pad inside and crop",
    (a, v) =>
      g.pad(
        a,
        [
          [-1, -1, 1],
          [-2, 3, 2],
        ],
        v,
      ),
    [m, draw([], 76)],
    { ulps: 8 }, // JAX takes the padding's cotangent for a difference of two sums
  ),
  pad(
    "pad to nothing",
    (a) =>
      g.pad(a, [
        [-2, -1],
        [0, 0],
      ]),
    [m],
  ),
  pad(
    "pad nothing",
    (a, v) =>
      g.pad(
        a,
        [
          [1, 2, 3],
          [0, 1],
        ],
        v,
      ),
    [draw([0, 2], 77), draw([], 76)],
  ),
  pad("pad a scalar", (a) => g.pad(a, []), [draw([], 76)], {
    of: "neg",
    fn: (a) => g.neg(g.pad(a, [])),
  }),
  concatenate("concatenate", (a, b) => g.concatenate([a, b, a], 1), [m, draw([3, 2], 78)], {
    dtypes: ALL,
  }),
  concatenate("concatenate with nothing", (a, b) => g.concatenate([a, b]), [m, draw([0, 4], 78)]),
  concatenate("stack", (a, b) => [g.stack([a, b]), g.stack([a, b], -1)], [m, draw([3, 4], 78)]),
  concatenate("roll", (a) => [g.roll(a, 2, 1), g.roll(a, -1, 2), g.roll(a, 5)]),
];
