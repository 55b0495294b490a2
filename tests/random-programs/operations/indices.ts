/** @file Access by index, blocks at run-time positions, and random numbers. */

import * as g from "../../../src/graph/index.ts";
import { type Operations, operation } from "../plan.ts";
import { EVERY, FLOATS, INTEGERS, LARGEST, NUMBERS, type Scope } from "../scope.ts";

const tuple = (numbers: readonly number[]): string => `(${numbers.map((n) => `${n},`).join(" ")})`;

interface Dims {
  readonly axis: number;
  readonly batchDims: number;
}

/** Indices for an axis of n, a few outside; sometimes whatever integers there are. */
function drawIndices(scope: Scope, shape: g.Shape, n: number): number {
  const dtype = scope.choose<g.DType>(["int32", "int32", "int32", "uint32", "uint8"]);
  if (scope.chance(0.25)) return scope.like({ shape, dtype });
  const low = dtype === "int32" ? -2 : 0;
  return scope.input({ shape, dtype }, { whole: [low, n + 2] });
}

/** An operand, indices, and the shape of what is gathered. */
function drawGather(scope: Scope, dtypes: readonly g.DType[]) {
  const fits = ({ shape }: g.Spec) => g.sizeOf(shape) > 0 && g.sizeOf(shape) <= 60;
  const x = scope.pick({ dtypes, minRank: 1, maxRank: 3, fits });
  const axis = scope.below(x.shape.length);
  const batchDims = scope.below(axis + 1);
  const rest = Array.from({ length: scope.below(3) }, () => Math.min(scope.extent(), 3));
  const shape = [...x.shape.slice(0, batchDims), ...rest];
  const updates = [...x.shape.slice(0, axis), ...rest, ...x.shape.slice(axis + 1)];
  if (g.sizeOf(updates) > LARGEST) return undefined;
  return {
    x,
    dims: { axis, batchDims },
    indices: drawIndices(scope, shape, x.shape[axis]),
    updates,
  };
}

const key = (scope: Scope): number => scope.input({ shape: [2], dtype: "uint32" }, { raw: true });
const drawn = (scope: Scope): g.Shape => scope.shape(0, 2);

/** A scatter that does not add. In JAX another update of the same place may stay: compared on the engines. */
const scatterOf = (name: "scatterSet" | "scatterMax" | "scatterMin", dtypes: readonly g.DType[]) =>
  operation<Dims>({
    of: [name],
    draw(scope) {
      const found = drawGather(scope, dtypes);
      if (!found) return undefined;
      const updates = scope.like({ shape: found.updates, dtype: found.x.dtype });
      return { args: [found.x.id, found.indices, updates], attrs: found.dims };
    },
    apply: ([x, at, updates], dims) => g[name](x, at, updates, dims),
    python: () => undefined,
  });

/** Operations with indices and keys. */
export const indices: Operations = {
  gather: operation<Dims>({
    of: ["gather"],
    draw(scope) {
      const found = drawGather(scope, EVERY);
      return found && { args: [found.x.id, found.indices], attrs: found.dims };
    },
    apply: ([x, at], dims) => g.gather(x, at, dims),
    python: ([x, at], { axis, batchDims }) => `ours.gather(${x}, ${at}, ${axis}, ${batchDims})`,
  }),
  scatterAdd: operation<Dims>({
    of: ["scatterAdd"],
    draw(scope) {
      const found = drawGather(scope, NUMBERS);
      if (!found) return undefined;
      const updates = scope.like({ shape: found.updates, dtype: found.x.dtype });
      return { args: [found.x.id, found.indices, updates], attrs: found.dims };
    },
    apply: ([x, at, updates], dims) => g.scatterAdd(x, at, updates, dims),
    python: ([x, at, updates], { axis, batchDims }) =>
      `ours.scatter_add(${x}, ${at}, ${updates}, ${axis}, ${batchDims})`,
  }),
  scatterSet: scatterOf("scatterSet", EVERY),
  scatterMax: scatterOf("scatterMax", NUMBERS),
  scatterMin: scatterOf("scatterMin", NUMBERS),
  takeAlongAxis: operation<{ axis: number }>({
    of: ["gather"],
    draw(scope) {
      const fits = ({ shape }: g.Spec) => g.sizeOf(shape) > 0;
      const x = scope.pick({ minRank: 1, maxRank: 3, fits });
      const axis = scope.below(x.shape.length);
      const shape = x.shape.map((n, i) => (i === axis ? 1 + scope.below(3) : n));
      return { args: [x.id, drawIndices(scope, shape, x.shape[axis])], attrs: { axis } };
    },
    apply: ([x, at], { axis }) => g.takeAlongAxis(x, at, axis),
    python: ([x, at], { axis }) => `ours.take_along_axis(${x}, ${at}, ${axis})`,
  }),
  oneHot: operation<{ classes: number; dtype: g.DType }>({
    of: ["compare", "select"],
    draw(scope) {
      const shape = scope.shape(0, 2);
      const classes = 1 + scope.below(4);
      const at = drawIndices(scope, shape, classes);
      return { args: [at], attrs: { classes, dtype: scope.choose(FLOATS) } };
    },
    apply: ([at], { classes, dtype }) => g.oneHot(at, classes, dtype),
    python: ([at], { classes, dtype }) => `ours.one_hot(${at}, ${classes}, jnp.${dtype})`,
  }),
  dynamicSlice: operation<{ sizes: number[] }>({
    of: ["dynamicSlice"],
    draw(scope) {
      const x = scope.pick({ maxRank: 3 });
      const sizes = x.shape.map((n) => scope.below(n + 1));
      return { args: [x.id, ...starts(scope, x.shape)], attrs: { sizes } };
    },
    apply: ([x, ...at], { sizes }) => g.dynamicSlice(x, at, sizes),
    python: ([x, ...at], { sizes }) =>
      `ours.dynamic_slice(${x}, [${at.join(", ")}], ${tuple(sizes)})`,
  }),
  dynamicUpdateSlice: operation({
    of: ["dynamicUpdateSlice"],
    draw(scope) {
      const x = scope.pick({ maxRank: 3 });
      const shape = x.shape.map((n) => scope.below(n + 1));
      const update = scope.like({ shape, dtype: x.dtype });
      return { args: [x.id, update, ...starts(scope, x.shape)] };
    },
    apply: ([x, update, ...at]) => g.dynamicUpdateSlice(x, update, at),
    python: ([x, update, ...at]) =>
      `ours.dynamic_update_slice(${x}, ${update}, [${at.join(", ")}])`,
  }),
  randomBits: operation<{ shape: g.Shape }>({
    of: ["threefry2x32"],
    draw: (scope) => ({ args: [key(scope)], attrs: { shape: drawn(scope) } }),
    apply: ([k], { shape }) => g.randomBits(k, shape),
    python: ([k], { shape }) => `ours.bits(${k}, ${tuple(shape)})`,
  }),
  uniform: operation<{ shape: g.Shape; dtype: g.DType }>({
    of: ["threefry2x32"],
    draw: (scope) => ({
      args: [key(scope)],
      attrs: { shape: drawn(scope), dtype: scope.choose(FLOATS) },
    }),
    apply: ([k], { shape, dtype }) => g.uniform(k, shape, 0, 1, dtype),
    python: ([k], { shape, dtype }) => `ours.uniform(${k}, ${tuple(shape)}, jnp.${dtype})`,
  }),
  normal: operation<{ shape: g.Shape; dtype: g.DType }>({
    of: ["threefry2x32"],
    draw: (scope) => ({
      args: [key(scope)],
      attrs: { shape: drawn(scope), dtype: scope.choose(FLOATS) },
    }),
    apply: ([k], { shape, dtype }) => g.normal(k, shape, dtype),
    // normals of halves are listed
    python: ([k], { shape, dtype }) =>
      dtype === "float32" ? `ours.normal(${k}, ${tuple(shape)})` : undefined,
  }),
  randomInt: operation<{ shape: g.Shape; low: number; high: number }>({
    of: ["threefry2x32"],
    draw: (scope) => ({
      args: [key(scope)],
      attrs: { shape: drawn(scope), low: scope.below(5, -4), high: 6 + scope.below(100) },
    }),
    apply: ([k], { shape, low, high }) => g.randomInt(k, shape, low, high),
    python: ([k], { shape, low, high }) => `ours.randint(${k}, ${tuple(shape)}, ${low}, ${high})`,
  }),
  splitKey: operation<{ data: number }>({
    of: ["threefry2x32"],
    draw: (scope) => ({ args: [key(scope)], attrs: { data: scope.below(1000) } }),
    apply: ([k], { data }) => g.foldIn(g.splitKey(k, 3)[1], data),
    python: ([k], { data }) => `ours.derived_key(${k}, ${data})`,
  }),
};

/** One integer scalar an axis. */
function starts(scope: Scope, shape: g.Shape): number[] {
  const dtype = scope.choose<g.DType>(["int32", "int32", ...INTEGERS]);
  return shape.map((n) => {
    if (scope.chance(0.2)) return scope.like({ shape: [], dtype });
    return scope.input({ shape: [], dtype }, { whole: [dtype === "int32" ? -2 : 0, n + 1] });
  });
}
