/** @file Operations that move elements, cut, join and fill, and the identities. */

import * as g from "../../../src/graph/index.ts";
import { type Operations, operation } from "../plan.ts";
import { EVERY, LARGEST, NUMBERS, type Scope } from "../scope.ts";

const list = (numbers: readonly number[]): string => `[${numbers.join(", ")}]`;
const tuple = (numbers: readonly number[]): string => `(${numbers.map((n) => `${n},`).join(" ")})`;

/** Another shape of as many elements. */
function otherShape(scope: Scope, from: g.Shape): number[] {
  const shape = [...from];
  if (shape.length > 1 && scope.chance(0.5)) {
    const at = scope.below(shape.length - 1);
    shape.splice(at, 2, shape[at] * shape[at + 1]);
    return shape;
  }
  const at = scope.below(shape.length + 1);
  const factor = [2, 3].find((k) => (shape[at] ?? 0) > 0 && shape[at] % k === 0);
  if (factor && scope.chance(0.8)) shape.splice(at, 1, factor, shape[at] / factor);
  else if (shape.length < 5) shape.splice(at, 0, 1);
  return shape;
}

/** Operations over shapes. */
export const shapes: Operations = {
  full: operation<{ shape: g.Shape; dtype: g.DType; value: number }>({
    of: ["constant", "broadcastInDim"],
    draw: (scope) => ({
      args: [],
      attrs: { shape: scope.shape(), dtype: scope.choose(EVERY), value: scope.below(2) },
    }),
    apply: (_args, { shape, dtype, value }) => g.full(shape, value, dtype),
    python: (_args, { shape, dtype, value }) =>
      `jnp.full(${tuple(shape)}, ${value}, dtype=jnp.${dtype === "bool" ? "bool_" : dtype})`,
  }),
  constant: operation<{ values: number[]; dtype: g.DType }>({
    of: ["constant"],
    draw(scope) {
      const n = scope.choose([1, 3, 20]); // folded, and too long to be folded
      const values = Array.from({ length: n }, () => scope.below(12) / 4);
      return { args: [], attrs: { values, dtype: scope.choose(NUMBERS) } };
    },
    apply: (_args, { values, dtype }) => g.tensor(values, dtype),
    python: (_args, { values, dtype }) =>
      `jnp.asarray(np.array(${list(values)}).astype(jnp.${dtype}))`,
  }),
  iota: operation<{ shape: g.Shape; dtype: g.DType; axis: number }>({
    of: ["iota"],
    draw(scope) {
      const shape = scope.shape(1);
      const attrs = { shape, dtype: scope.choose(NUMBERS), axis: scope.below(shape.length) };
      return { args: [], attrs };
    },
    apply: (_args, { shape, dtype, axis }) => g.iota(shape, dtype, axis),
    python: (_args, { shape, dtype, axis }) =>
      `lax.broadcasted_iota(jnp.${dtype}, ${tuple(shape)}, ${axis})`,
  }),
  reshape: operation<{ shape: g.Shape }>({
    of: ["reshape"],
    draw(scope) {
      const x = scope.pick();
      return { args: [x.id], attrs: { shape: otherShape(scope, x.shape) } };
    },
    apply: ([x], { shape }) => g.reshape(x, shape),
    python: ([x], { shape }) => `jnp.reshape(${x}, ${tuple(shape)})`,
  }),
  transpose: operation<{ order: number[] }>({
    of: ["transpose"],
    draw(scope) {
      const x = scope.pick({ minRank: 1 });
      return { args: [x.id], attrs: { order: scope.order(x.shape.length) } };
    },
    apply: ([x], { order }) => g.transpose(x, order),
    python: ([x], { order }) => `jnp.transpose(${x}, ${tuple(order)})`,
  }),
  broadcastInDim: operation<{ shape: g.Shape; axes: number[] }>({
    of: ["broadcastInDim"],
    draw(scope) {
      const x = scope.pick({ maxRank: 3 });
      const shape = x.shape.map((n) => (n === 1 && scope.chance(0.7) ? scope.extent() : n));
      const axes = shape.map((_, i) => i);
      if (g.sizeOf(shape) <= LARGEST / 4 && scope.chance(0.6)) {
        const at = scope.below(shape.length + 1);
        shape.splice(at, 0, scope.extent());
        axes.forEach((axis, i) => (axes[i] = axis < at ? axis : axis + 1));
      }
      return { args: [x.id], attrs: { shape, axes } };
    },
    apply: ([x], { shape, axes }) => g.broadcastInDim(x, shape, axes),
    python: ([x], { shape, axes }) => `lax.broadcast_in_dim(${x}, ${tuple(shape)}, ${tuple(axes)})`,
  }),
  reverse: operation<{ axes: number[] }>({
    of: ["reverse"],
    draw(scope) {
      const x = scope.pick({ minRank: 1 });
      return { args: [x.id], attrs: { axes: scope.some(x.shape.length, 0.6) } };
    },
    apply: ([x], { axes }) => g.reverse(x, axes),
    python: ([x], { axes }) => `lax.rev(${x}, ${tuple(axes)})`,
  }),
  slice: operation<{ start: number[]; limit: number[]; strides: number[] }>({
    of: ["slice"],
    draw(scope) {
      const x = scope.pick({ minRank: 1 });
      const start = x.shape.map((n) => (scope.chance(0.5) ? 0 : scope.below(n + 1)));
      const limit = x.shape.map((n, i) => (scope.chance(0.6) ? n : scope.below(n + 1, start[i])));
      return {
        args: [x.id],
        attrs: { start, limit, strides: start.map(() => 1 + scope.below(2)) },
      };
    },
    apply: ([x], { start, limit, strides }) => g.slice(x, start, limit, strides),
    python: ([x], { start, limit, strides }) =>
      `lax.slice(${x}, ${tuple(start)}, ${tuple(limit)}, ${tuple(strides)})`,
  }),
  pad: operation<{ config: number[][] }>({
    of: ["pad"],
    draw(scope) {
      const x = scope.pick({ maxRank: 3, fits: ({ shape }) => g.sizeOf(shape) <= 40 });
      const config = x.shape.map((n) => [
        n > 2 && scope.chance(0.2) ? -1 : scope.below(3),
        n > 2 && scope.chance(0.2) ? -1 : scope.below(2),
        scope.chance(0.3) ? 1 : 0,
      ]);
      return { args: [x.id, scope.like({ shape: [], dtype: x.dtype })], attrs: { config } };
    },
    apply: ([x, value], { config }) =>
      g.pad(x, config as unknown as readonly (readonly [number, number, number])[], value),
    python: ([x, value], { config }) =>
      `ours.pad(${x}, ${value}, [${config.map((c) => tuple(c)).join(", ")}])`,
  }),
  concatenate: operation<{ axis: number }>({
    of: ["concatenate"],
    draw(scope) {
      const x = scope.pick({ minRank: 1, fits: ({ shape }) => g.sizeOf(shape) <= LARGEST / 3 });
      const axis = scope.below(x.shape.length);
      const shape = x.shape.map((n, i) => (i === axis && scope.chance(0.5) ? 1 : n));
      const others = Array.from({ length: 1 + scope.below(2) }, () =>
        scope.like({ shape, dtype: x.dtype }),
      );
      return { args: [x.id, ...others], attrs: { axis } };
    },
    apply: (args, { axis }) => g.concatenate(args, axis),
    python: (args, { axis }) => `jnp.concatenate([${args.join(", ")}], axis=${axis})`,
  }),
  roll: operation<{ shift: number; axis: number }>({
    of: ["concatenate", "slice"],
    draw(scope) {
      const x = scope.pick({ minRank: 1 });
      return {
        args: [x.id],
        attrs: { shift: scope.below(3, -2), axis: scope.below(x.shape.length) },
      };
    },
    apply: ([x], { shift, axis }) => g.roll(x, shift, axis),
    python: ([x], { shift, axis }) => `jnp.roll(${x}, ${shift}, ${axis})`,
  }),
  barrier: operation({
    of: ["barrier"],
    draw: (scope) => ({ args: [scope.pick().id, scope.pick().id] }),
    apply: (args) => g.barrier(args),
    python: (args) => `lax.optimization_barrier((${args.join(", ")}))`,
  }),
  stopGradient: operation({
    of: ["stopGradient"],
    draw: (scope) => ({ args: [scope.pick().id] }),
    apply: ([x]) => g.stopGradient(x),
    python: ([x]) => `lax.stop_gradient(${x})`,
  }),
  /** Nothing but an identity where there is one device. */
  withSharding: operation<{ axis: number }>({
    of: ["withSharding"],
    draw(scope) {
      const even = (n: number) => n > 0 && n % 2 === 0;
      const x = scope.pick({ minRank: 1, fits: ({ shape }) => shape.some(even) });
      return { args: [x.id], attrs: { axis: x.shape.findIndex(even) } };
    },
    apply: ([x], { axis }) =>
      g.withSharding(
        x,
        x.shape.slice(0, axis + 1).map((_, i) => (i === axis ? "data" : null)),
      ),
    python: ([x]) => x,
  }),
  debugPrint: operation({
    of: ["debugPrint"],
    // engines list it as lacking in loops and branches
    draw: (scope) => (scope.manner.depth > 0 ? undefined : { args: [scope.pick().id] }),
    apply: ([x]) => g.debugPrint("x", x),
    python: ([x]) => x,
  }),
};
