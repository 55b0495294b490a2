/** @file Contract rows: sliding windows. */

import * as g from "../../../src/graph/index.ts";
import { type Case, FLOATS, NUMBERS, array, draw } from "../table.ts";

const image = draw([1, 4, 5, 2], 51);
const map = draw([4, 5], 52);
const ties = array([1, 3, 3, 2, 3, 3, 1, 1, 2, 2, 2, 2], "float32", [3, 4]);

const row = (
  name: string,
  fn: Case["fn"],
  inputs: Case["inputs"],
  more: Partial<Case> = {},
): Case => ({
  name: `reduceWindow ${name}`,
  of: "reduceWindow",
  fn,
  inputs,
  scale: "array",
  ...more,
});

const pooled =
  (kind: g.WindowKind, window: number[], strides?: number[], padding?: g.PaddingArgument) =>
  (x: g.Tensor): g.Tensor =>
    g.reduceWindow(x, kind, window, strides, padding);

const kinds = (["sum", "max", "min"] as const).flatMap((kind): Case[] => [
  row(kind, pooled(kind, [2, 3]), [map], { dtypes: NUMBERS }),
  row(`${kind} of images`, pooled(kind, [1, 2, 2, 1], [1, 2, 2, 1]), [image], { dtypes: FLOATS }),
  row(`${kind} SAME`, pooled(kind, [3, 3], [2, 2], "SAME"), [map]),
  row(
    `${kind} with uneven padding`,
    pooled(
      kind,
      [2, 2],
      [1, 3],
      [
        [1, 0],
        [0, 2],
      ],
    ),
    [map],
  ),
  row(`${kind} leaving a rest`, pooled(kind, [2, 2], [3, 2]), [map]),
  row(`${kind} at ties`, pooled(kind, [2, 2]), [ties], { gradient: "kinked" }),
  row(`${kind} of NaN`, pooled(kind, [2], [1]), [array([1, NaN, 3, 4, Infinity, -Infinity])], {
    gradient: "none",
  }),
  row(`${kind} with nothing left`, pooled(kind, [5, 5]), [map]),
  row(`${kind} over padding alone`, pooled(kind, [2], [2], [[2, 2]]), [draw([4], 53)], {
    dtypes: ["float32", "int32", "uint8"],
    gradient: "kinked",
  }),
]);

const scatter = (
  kind: "max" | "min",
  name: string,
  dims: Omit<Parameters<typeof g.selectAndScatterAdd>[2], "kind">,
  source: g.Shape,
  x: Case["inputs"][number] = map,
  more: Partial<Case> = {},
): Case => ({
  name: `selectAndScatterAdd ${kind} ${name}`,
  of: "selectAndScatterAdd",
  fn: (a, s) => g.selectAndScatterAdd(a, s, { kind, ...dims }),
  inputs: [x, draw(source, 54)],
  ...more,
});
const none = [
  [0, 0],
  [0, 0],
] as const;

export const windowCases: readonly Case[] = [
  ...kinds,
  scatter("max", "apart", { window: [2, 2], strides: [2, 2], padding: none }, [2, 2]),
  scatter("max", "overlapping", { window: [3, 2], strides: [1, 2], padding: none }, [2, 2]),
  scatter(
    "min",
    "padded",
    {
      window: [2, 3],
      strides: [2, 1],
      padding: [
        [1, 1],
        [0, 2],
      ],
    },
    [3, 5],
  ),
  scatter("max", "at ties", { window: [2, 2], strides: [1, 2], padding: none }, [2, 2], ties, {
    gradient: "kinked",
  }),
];
