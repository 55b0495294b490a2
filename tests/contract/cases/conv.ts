/** @file Contract rows: convolutions. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, INTEGERS, array, draw } from "../table.ts";

/** x [N, H, W, C] and a kernel [h, w, C / groups, F]. */
const row = (
  name: string,
  x: g.Shape,
  kernel: g.Shape,
  options: g.ConvOptions,
  more: Partial<Case> = {},
): Case => ({
  name: `conv ${name}`,
  of: "convGeneralDilated",
  fn: (a, k) => g.conv(a, k, options),
  inputs: [draw(x, 41), draw(kernel, 42)],
  scale: "array",
  ...more,
});

export const convCases: readonly Case[] = [
  row("SAME", [2, 4, 5, 3], [3, 3, 3, 2], {}, { dtypes: FLOATS }),
  row("VALID", [1, 5, 4, 2], [2, 3, 2, 3], { padding: "VALID" }),
  row("of patches", [1, 6, 6, 2], [3, 3, 2, 4], { strides: 3, padding: "VALID" }),
  row("strided SAME", [1, 5, 6, 2], [3, 2, 2, 2], { strides: [2, 3] }),
  row("strided, leaving a rest", [1, 6, 5, 1], [2, 2, 1, 2], { strides: [3, 2], padding: "VALID" }),
  row("dilated", [1, 6, 7, 2], [2, 3, 2, 2], { rhsDilation: [2, 2], padding: "VALID" }),
  row("dilated and strided", [1, 7, 7, 1], [3, 2, 1, 2], { rhsDilation: [2, 3], strides: 2 }),
  row("transposed", [1, 3, 3, 2], [3, 3, 2, 2], {
    lhsDilation: 2,
    padding: [
      [1, 2],
      [2, 1],
    ],
  }),
  row("dilated on both sides", [1, 3, 4, 1], [2, 2, 1, 1], {
    lhsDilation: [2, 1],
    rhsDilation: [1, 2],
    padding: [
      [2, 1],
      [0, 3],
    ],
  }),
  row("with explicit padding", [1, 4, 4, 1], [3, 3, 1, 1], {
    padding: [
      [2, 0],
      [0, 3],
    ],
  }),
  row("with negative padding", [1, 6, 6, 1], [2, 2, 1, 2], {
    padding: [
      [-1, -2],
      [0, -1],
    ],
  }),
  row("in feature groups", [1, 4, 4, 4], [3, 3, 2, 6], { groups: 2 }),
  row("in feature groups, strided", [1, 5, 5, 4], [2, 2, 2, 2], {
    groups: 2,
    strides: 2,
    padding: "VALID",
  }),
  row("depthwise", [1, 4, 4, 3], [3, 3, 1, 3], { groups: 3 }, { dtypes: FLOATS }),
  row("depthwise, two features each", [1, 3, 4, 2], [2, 2, 1, 4], { groups: 2 }),
  row("in batch groups", [4, 4, 3, 2], [2, 2, 2, 4], { batchGroups: 2 }),
  row("in batch groups, strided", [2, 5, 4, 1], [3, 2, 1, 2], {
    batchGroups: 2,
    strides: 2,
    padding: [
      [1, 0],
      [0, 1],
    ],
  }),
  row("along one axis", [2, 7, 3], [3, 3, 2], { strides: 2 }),
  row("along three axes", [1, 3, 4, 2, 2], [2, 2, 2, 2, 1], {}),
  row("along three axes, strided", [1, 4, 5, 3, 2], [2, 3, 2, 2, 2], { strides: [2, 1, 2] }),
  row("along three axes, dilated", [1, 5, 4, 3, 1], [2, 2, 2, 1, 2], {
    rhsDilation: [2, 1, 2],
    padding: "VALID",
  }),
  row("along three axes, transposed", [1, 2, 3, 2, 2], [2, 2, 3, 2, 1], {
    lhsDilation: [2, 1, 2],
    padding: [
      [1, 1],
      [0, 1],
      [2, 1],
    ],
  }),
  row("along three axes, in groups", [2, 3, 3, 2, 4], [2, 2, 2, 2, 2], { groups: 2 }),
  row("along three axes, depthwise", [1, 3, 3, 3, 2], [2, 2, 2, 1, 2], { groups: 2, strides: 2 }),
  row("of no images", [0, 3, 3, 1], [2, 2, 1, 1], {}),
  row("with nothing left", [1, 2, 2, 1], [3, 3, 1, 2], { padding: "VALID" }),
  row("of integers", [1, 4, 4, 2], [2, 2, 2, 2], {}, { dtypes: INTEGERS }),
  row("of integers in groups", [1, 4, 4, 2], [2, 2, 1, 2], { groups: 2 }, { dtypes: INTEGERS }),
  {
    name: "conv wraps",
    of: "convGeneralDilated",
    fn: (a, b, c) => [
      g.conv(a, g.reshape(a, [3, 1, 1]), { padding: "VALID" }),
      g.conv(b, g.reshape(b, [3, 1, 1]), { padding: "VALID" }),
      g.conv(c, g.reshape(c, [3, 1, 1]), { padding: "VALID" }),
    ],
    inputs: [
      array([2 ** 31 - 1, -(2 ** 31), 7], "int32", [1, 3, 1]),
      array([2 ** 32 - 1, 2 ** 31, 7], "uint32", [1, 3, 1]),
      array([255, 128, 7], "uint8", [1, 3, 1]),
    ],
    expected: [[50], [50], [50]],
  },
  {
    name: "conv of NaN and infinity",
    of: "convGeneralDilated",
    fn: (a, k) => g.conv(a, k, { padding: "VALID" }),
    inputs: [
      array([1, 2, NaN, 4, 5, Infinity, 7, 8], "float32", [1, 8, 1]),
      array([1, 2], "float32", [2, 1, 1]),
    ],
    gradient: "none",
  },
];
