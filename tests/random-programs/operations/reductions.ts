/** @file Reductions, cumulative operations, order. */

import * as g from "../../../src/graph/index.ts";
import { type Operation, type Operations, operation } from "../plan.ts";
import { FLOATS, NUMBERS } from "../scope.ts";

const tuple = (numbers: readonly number[]): string => `(${numbers.map((n) => `${n},`).join(" ")})`;

interface Reduction {
  readonly of: readonly g.PrimitiveName[];
  readonly fn: (x: g.Tensor, axes: readonly number[], options: { keepDims: boolean }) => g.Tensor;
  readonly python: string;
  readonly dtypes: readonly g.DType[];
  readonly nonEmpty?: boolean;
}

const BOOL: readonly g.DType[] = ["bool"];
const REDUCTIONS: Record<string, Reduction> = {
  reduceSum: { of: ["reduceSum"], fn: g.reduceSum, python: "ours.sum", dtypes: NUMBERS },
  reduceMax: { of: ["reduceMax"], fn: g.reduceMax, python: "ours.max", dtypes: NUMBERS },
  reduceMin: { of: ["reduceMin"], fn: g.reduceMin, python: "ours.min", dtypes: NUMBERS },
  reduceProd: { of: ["reduceProd"], fn: g.reduceProd, python: "ours.prod", dtypes: NUMBERS },
  reduceAnd: { of: ["reduceAnd"], fn: g.reduceAnd, python: "jnp.all", dtypes: BOOL },
  reduceOr: { of: ["reduceOr"], fn: g.reduceOr, python: "jnp.any", dtypes: BOOL },
  mean: { of: ["reduceSum"], fn: g.mean, python: "ours.mean", dtypes: FLOATS, nonEmpty: true },
  variance: {
    of: ["reduceSum"],
    fn: g.variance,
    python: "ours.variance",
    dtypes: FLOATS,
    nonEmpty: true,
  },
  logSumExp: {
    of: ["reduceMax"],
    fn: g.logSumExp,
    python: "ours.log_sum_exp",
    dtypes: FLOATS,
    nonEmpty: true,
  },
};

const reduction = ({ of, fn, python, dtypes, nonEmpty }: Reduction): Operation =>
  operation<{ axes: number[]; keepDims: boolean }>({
    of,
    draw(scope) {
      const fits = nonEmpty ? ({ shape }: g.Spec) => g.sizeOf(shape) > 0 : undefined;
      const x = scope.pick({ dtypes, fits });
      const axes = scope.chance(0.2) ? x.shape.map((_, i) => i) : scope.some(x.shape.length);
      return { args: [x.id], attrs: { axes, keepDims: scope.chance(0.3) } };
    },
    apply: ([x], { axes, keepDims }) => fn(x, axes, { keepDims }),
    python: ([x], { axes, keepDims }) =>
      axes.length === 0 && (python.startsWith("jnp") || !nonEmpty)
        ? x
        : `${python}(${x}, axis=${tuple(axes)}, keepdims=${keepDims ? "True" : "False"})`,
  });

const along = (
  of: g.PrimitiveName,
  fn: (x: g.Tensor, axis: number) => g.Tensor,
  python: string,
): Operation =>
  operation<{ axis: number }>({
    of: [of],
    draw(scope) {
      const fits = ({ shape }: g.Spec) => g.sizeOf(shape) > 0;
      const x = scope.pick({ dtypes: NUMBERS, minRank: 1, fits });
      return { args: [x.id], attrs: { axis: scope.below(x.shape.length) } };
    },
    apply: ([x], { axis }) => fn(x, axis),
    python: ([x], { axis }) => `${python}(${x}, ${axis})`,
  });

const cumulative = (
  of: g.PrimitiveName,
  fn: (x: g.Tensor, axis: number, reverse: boolean) => g.Tensor,
  python: string,
): Operation =>
  operation<{ axis: number; reverse: boolean }>({
    of: [of],
    draw(scope) {
      const x = scope.pick({ dtypes: NUMBERS, minRank: 1 });
      const attrs = { axis: scope.below(x.shape.length), reverse: scope.chance(0.4) };
      return { args: [x.id], attrs };
    },
    apply: ([x], { axis, reverse }) => fn(x, axis, reverse),
    python: ([x], { axis, reverse }) =>
      `${python}(${x}, axis=${axis}, reverse=${reverse ? "True" : "False"})`,
  });

/** Operations that reduce and order. */
export const reductions: Operations = {
  ...Object.fromEntries(Object.entries(REDUCTIONS).map(([name, rule]) => [name, reduction(rule)])),
  argMax: along("argMax", g.argMax, "ours.arg_max"),
  argMin: along("argMin", g.argMin, "ours.arg_min"),
  sort: along("sort", g.sort, "ours.sort"),
  argSort: along("sort", g.argSort, "ours.arg_sort"),
  cumSum: cumulative("cumSum", g.cumSum, "ours.cum_sum"),
  cumMax: cumulative("cumMax", g.cumMax, "ours.cum_max"),
  cumProd: cumulative("mul", g.cumProd, "ours.cum_prod"),
  sortWith: operation<{ axis: number }>({
    of: ["sort"],
    draw(scope) {
      const keys = scope.pick({ dtypes: NUMBERS, minRank: 1 });
      const values = scope.like({ shape: keys.shape, dtype: scope.choose(NUMBERS) });
      return { args: [keys.id, values], attrs: { axis: scope.below(keys.shape.length) } };
    },
    apply: ([keys, values], { axis }) => g.sortWith(keys, [values], axis),
    python: ([keys, values], { axis }) => `ours.sort_with(${keys}, ${values}, ${axis})`,
  }),
  topK: operation<{ k: number }>({
    of: ["topK"],
    draw(scope) {
      const x = scope.pick({ dtypes: NUMBERS, minRank: 1 });
      return { args: [x.id], attrs: { k: scope.below(x.shape.at(-1)! + 1) } };
    },
    apply([x], { k }) {
      const { values, indices } = g.topK(x, k);
      return [values, indices];
    },
    python: ([x], { k }) => `ours.top_k(${x}, ${k})`,
  }),
};
