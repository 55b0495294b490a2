/** @file Contract rows: sliding windows. */

import * as g from "../../../src/graph/index.ts";
import { highEnd, lowEnd } from "../../../src/graph/ops/reduce.ts";
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

const volume = draw([1, 4, 3, 4, 2], 55);
const kinds = (["sum", "max", "min"] as const).flatMap((kind): Case[] => [
  row(kind, pooled(kind, [2, 3]), [map], { dtypes: NUMBERS }),
  row(`${kind} of images`, pooled(kind, [1, 2, 2, 1], [1, 2, 2, 1]), [image], { dtypes: FLOATS }),
  row(`${kind} of volumes`, pooled(kind, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1]), [volume]),
  row(
    `${kind} of volumes SAME, overlapping`,
    pooled(kind, [1, 3, 2, 3, 1], [1, 1, 2, 2, 1], "SAME"),
    [volume],
  ),
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

/** Sources added at the first most extreme element of each window over a map, written as loops. */
function addedAtFirst(
  x: g.HostArray,
  { kind, window, strides, padding }: Parameters<typeof g.selectAndScatterAdd>[2],
  outputs: g.Shape,
  source: readonly number[],
): number[] {
  const [numbers, [rows, columns]] = [g.toNumbers(x), x.shape];
  const sums = numbers.map(() => 0);
  for (let out = 0; out < source.length; out++) {
    const top = Math.floor(out / outputs[1]) * strides[0] - padding[0][0];
    const left = (out % outputs[1]) * strides[1] - padding[1][0];
    let best = -1;
    for (let tap = 0; tap < window[0] * window[1]; tap++) {
      const [i, j] = [top + Math.floor(tap / window[1]), left + (tap % window[1])];
      if (i < 0 || j < 0 || i >= rows || j >= columns) continue;
      const at = i * columns + j;
      const isBetter = kind === "max" ? numbers[at] > numbers[best] : numbers[at] < numbers[best];
      if (best < 0 || isBetter) best = at;
    }
    if (best >= 0) sums[best] += source[out];
  }
  return sums;
}

/** Maps full of equal elements, some of them no more extreme than the padding. */
const tied = (kind: "max" | "min", dtype: "float32" | "int32" | "uint8"): Case => {
  const end = (kind === "max" ? lowEnd : highEnd)({ shape: [], dtype });
  const pattern = [end, end, 1, end, 1, 1, end, 1, 1, end, end];
  const x = array(
    Array.from({ length: 42 }, (_, i) => (i < 18 ? end : pattern[i % 11])),
    dtype,
    [6, 7],
  );
  const source = Array.from({ length: 42 }, (_, i) => i + 1);
  const dims = (low: number, high: number) =>
    ({
      kind,
      window: [3, 2],
      strides: [1, 1],
      padding: [
        [1, 1],
        [low, high],
      ],
    }) as const;
  const each = [dims(0, 1), dims(1, 0)];
  return {
    name: `selectAndScatterAdd ${kind} at ties with the padding, ${dtype}`,
    of: "selectAndScatterAdd",
    fn: (a) =>
      each.map((d) => g.selectAndScatterAdd(a, g.constant(array(source, dtype, [6, 7])), d)),
    inputs: [x],
    gradient: "none",
    expected: each.map((d) => addedAtFirst(x, d, [6, 7], source)),
  };
};

const wide = [4294967295, 1, 2, 3, 2147483648, 5, 4000000000, 7];

export const windowCases: readonly Case[] = [
  ...kinds,
  ...(["float32", "int32", "uint8"] as const).flatMap((dtype) => [
    tied("max", dtype),
    tied("min", dtype),
  ]),
  {
    name: "reduceWindow of large uint32",
    of: "reduceWindow",
    fn: (a) => (["max", "min", "sum"] as const).map((kind) => g.reduceWindow(a, kind, [4], [4])),
    inputs: [array(wide, "uint32")],
    expected: [
      [4294967295, 4000000000],
      [1, 5],
      [5, 1852516364],
    ],
  },
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
