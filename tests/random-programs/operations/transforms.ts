/** @file Transforms and regions: gradients, batching, recomputation, loops, branches, rules of one's own. */

import * as g from "../../../src/graph/index.ts";
import { type BlockFunction, type Operations, type Typed, operation } from "../plan.ts";
import { accumulateGradients } from "../../../src/train/accumulate.ts";
import { EVERY, FLOATS, type Scope } from "../scope.ts";

const DEEPEST = 3;
const isFloat = ({ dtype }: g.Spec): boolean => g.isFloat(dtype);
const spec = ({ shape, dtype }: g.Spec): g.Spec => ({ shape, dtype });

/** Several operands, the first as wanted. */
function operands(scope: Scope, dtypes: readonly g.DType[], most: number): Typed[] {
  const first = scope.pick({ dtypes });
  const others = Array.from({ length: scope.below(most) }, () => scope.pick());
  return [first, ...others];
}

/** Weights that differ, so that no gradient is that of a plain sum. */
const weightsFor = (size: number, i: number): number[] =>
  Array.from({ length: size }, (_, k) => ((k * 5 + i * 3) % 7) / 4 - 0.5);

/** A scalar that depends on every element of the float values. */
function lossOf(values: readonly g.Tensor[]): g.Tensor {
  return values
    .map((y, i) => {
      const wide = g.reshape(g.convert(y, "float32"), [y.size]);
      const weights = g.constant(g.fromNumbers(weightsFor(y.size, i), [y.size], "float32"));
      return g.reduceSum(g.mul(wide, weights));
    })
    .reduce((a, b) => g.add(a, b));
}

const ids = (values: readonly Typed[]): number[] => values.map(({ id }) => id);
const floatResults = (inner: Scope): readonly number[] => {
  const results = inner.returned(2, FLOATS);
  return results.length > 0 ? results : [inner.pick({ dtypes: FLOATS }).id];
};
const tooDeep = (scope: Scope): boolean => scope.manner.depth >= DEEPEST;

/** Cuts an axis of each of a batch's operands off, so that a block sees one example. */
const example = (shape: g.Shape, axis: number | null): g.Shape =>
  axis === null ? shape : shape.filter((_, i) => i !== axis);

/** Regions and transforms. */
export const transforms: Operations = {
  grad: operation({
    of: [],
    draw(scope) {
      if (tooDeep(scope)) return undefined;
      const args = operands(scope, FLOATS, 2).filter(isFloat);
      const block = scope.block(args.map(spec), floatResults, { smooth: true });
      return { args: ids(args), blocks: [block] };
    },
    apply(args, _attrs, [fn]) {
      const { value, grads } = g.valueAndGrad((xs: g.Tensor[]) => lossOf(fn(...xs)))(args);
      return [value, ...grads];
    },
    python: (args, _attrs, { blocks: [fn] }) => `ours.value_and_grad(${fn}, [${args.join(", ")}])`,
  }),
  vjp: operation<{ count: number }>({
    of: [],
    draw(scope) {
      if (tooDeep(scope)) return undefined;
      const args = operands(scope, FLOATS, 2).filter(isFloat);
      let results: readonly g.Spec[] = [];
      const block = scope.block(
        args.map(spec),
        (inner) => {
          const list = floatResults(inner);
          results = list.map((id) => inner.spec(id));
          return list;
        },
        { smooth: true },
      );
      const seeds = results.map((result) => scope.like(result));
      return { args: [...ids(args), ...seeds], attrs: { count: args.length }, blocks: [block] };
    },
    apply(args, { count }, [fn]) {
      const { outputs, pullback } = g.vjp(fn, ...args.slice(0, count));
      return [...outputs, ...pullback(args.slice(count))];
    },
    python: (args, { count }, { blocks: [fn] }) =>
      `ours.vjp(${fn}, [${args.slice(0, count).join(", ")}], [${args.slice(count).join(", ")}])`,
  }),
  vmap: operation<{ inAxes: (number | null)[]; outAxis: number }>({
    of: [],
    draw(scope) {
      if (tooDeep(scope)) return undefined;
      const first = scope.pick({ minRank: 1 });
      const axis = scope.below(first.shape.length);
      const n = first.shape[axis];
      const others = Array.from({ length: scope.below(3) }, () => scope.pick());
      const inAxes = [
        axis,
        ...others.map(({ shape }) => {
          const at = shape.lastIndexOf(n);
          return at >= 0 && scope.chance(0.7) ? at : null;
        }),
      ];
      const args = [first, ...others];
      const params = args.map(({ shape, dtype }, i) => ({
        shape: example(shape, inAxes[i]),
        dtype,
      }));
      let lowest = 0;
      const block = scope.block(params, (inner) => {
        const results = inner.returned(2);
        lowest = Math.min(...results.map((id) => inner.spec(id).shape.length));
        return results;
      });
      return {
        args: ids(args),
        attrs: { inAxes, outAxis: scope.below(lowest + 1) },
        blocks: [block],
      };
    },
    apply: (args, { inAxes, outAxis }, [fn]) =>
      g.vmap<g.Tensor[], g.Tensor[]>(fn, { inAxes, outAxis })(...args),
    python(args, { inAxes, outAxis }, { blocks: [fn] }) {
      const axes = inAxes.map((axis) => axis ?? "None").join(", ");
      return `jax.vmap(${fn}, in_axes=(${axes},), out_axes=${outAxis})(${args.join(", ")})`;
    },
  }),
  remat: operation<{ save: "nothing" | "dots" }>({
    of: ["remat"],
    draw(scope) {
      if (tooDeep(scope)) return undefined;
      const args = operands(scope, EVERY, 3);
      const block = scope.block(args.map(spec), (inner) => inner.returned(2));
      return {
        args: ids(args),
        attrs: { save: scope.choose(["nothing", "dots"]) },
        blocks: [block],
      };
    },
    apply: (args, { save }, [fn]) =>
      g.remat(
        fn as (...xs: g.Tensor[]) => readonly g.Tensor[],
        {
          nothing: g.saveNothing,
          dots: g.saveDots,
        }[save],
      )(...args),
    python: (args, _attrs, { blocks: [fn] }) => `jax.checkpoint(${fn})(${args.join(", ")})`,
  }),
  scan: operation<{ carries: number; length: number; reverse: boolean }>({
    of: ["scan"],
    draw(scope) {
      if (tooDeep(scope)) return undefined;
      const carried = operands(scope, EVERY, 2);
      const xs = scope.chance(0.6) ? [scope.pick({ minRank: 1 })] : [];
      const length = xs.length > 0 ? xs[0].shape[0] : scope.choose([0, 1, 2, 3, 20]);
      const rows = xs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
      const block = scope.block([...carried.map(spec), ...rows], (inner) => [
        ...carried.map((value) => inner.matching(value)),
        ...inner.returned(scope.below(2)),
      ]);
      const attrs = { carries: carried.length, length, reverse: scope.chance(0.4) };
      return { args: ids([...carried, ...xs]), attrs, blocks: [block] };
    },
    apply(args, { carries, length, reverse }, [fn]) {
      const body = (carry: g.Tensor[], x: g.Tensor[]) => {
        const results = fn(...carry, ...x);
        return { carry: results.slice(0, carries), ys: results.slice(carries) };
      };
      const options = { length, reverse };
      const { carry, ys } = g.scan(body, args.slice(0, carries), args.slice(carries), options);
      return [...carry, ...ys];
    },
    python: (args, { carries, length, reverse }, { blocks: [fn] }) =>
      `ours.scan(${fn}, [${args.join(", ")}], ${carries}, ${length}, ${reverse ? "True" : "False"})`,
  }),
  cond: operation({
    of: ["cond"],
    draw(scope) {
      if (tooDeep(scope)) return undefined;
      const predicate = scope.like({ shape: [], dtype: "bool" });
      const args = operands(scope, EVERY, 2);
      let results: readonly g.Spec[] = [];
      const whenTrue = scope.block(args.map(spec), (inner) => {
        const list = inner.returned(2);
        results = list.map((id) => inner.spec(id));
        return list;
      });
      const whenFalse = scope.block(args.map(spec), (inner) =>
        results.map((result) => inner.matching(result)),
      );
      return { args: [predicate, ...ids(args)], blocks: [whenTrue, whenFalse] };
    },
    apply: ([p, ...args], _attrs, [whenTrue, whenFalse]) => g.cond(p, whenTrue, whenFalse, ...args),
    python: ([p, ...args], _attrs, { blocks: [whenTrue, whenFalse] }) =>
      `lax.cond(${[p, whenTrue, whenFalse, ...args].join(", ")})`,
  }),
  whileLoop: operation<{ steps: number }>({
    of: ["whileLoop"],
    draw(scope) {
      if (tooDeep(scope) || scope.manner.smooth) return undefined;
      const carried = operands(scope, EVERY, 2);
      const block = scope.block(carried.map(spec), (inner) =>
        carried.map((value) => inner.matching(value)),
      );
      return { args: ids(carried), attrs: { steps: scope.below(4) }, blocks: [block] };
    },
    apply: (args, { steps }, [fn]) =>
      g.whileLoop(
        (i) => g.less(i, steps),
        (i, ...carry) => [g.add(i, 1), ...fn(...carry)],
        [g.scalar(0, "int32"), ...args],
      ),
    python: (args, { steps }, { blocks: [fn] }) =>
      `ours.while_loop(${fn}, [${args.join(", ")}], ${steps})`,
  }),
  customGradient: operation({
    of: ["customGradient", "composite"],
    draw(scope) {
      if (tooDeep(scope)) return undefined;
      const args = operands(scope, FLOATS, 2).filter(isFloat);
      const block = scope.block(args.map(spec), floatResults, { closed: true });
      return { args: ids(args), blocks: [block] };
    },
    apply: (args, _attrs, [fn]) => ruled(fn)(...args),
    python: (args, _attrs, { blocks: [fn] }) => `ours.custom_gradient(${fn})(${args.join(", ")})`,
  }),
  /** Means of gradients over equal parts of a batch, as training accumulates them. */
  accumulate: operation<{ parts: number }>({
    of: ["scan"],
    draw(scope) {
      if (scope.manner.depth > 0) return undefined;
      const even = ({ shape }: g.Spec) => shape.length > 0 && shape[0] > 0 && shape[0] % 2 === 0;
      const batch = scope.pick({ dtypes: ["float32"], minRank: 1, fits: even });
      const params = scope.pick({ dtypes: ["float32"] });
      const part = { dtype: batch.dtype, shape: [batch.shape[0] / 2, ...batch.shape.slice(1)] };
      const block = scope.block([spec(params), part], floatResults, { smooth: true });
      return { args: [params.id, batch.id], attrs: { parts: 2 }, blocks: [block] };
    },
    apply: ([params, batch], { parts }, [fn]) => accumulated(fn, parts, params, batch),
    python: ([params, batch], { parts }, { blocks: [fn] }) =>
      `ours.accumulate(${fn}, ${parts}, ${params}, ${batch})`,
  }),
};

/** A function whose rule is a third of each argument's sign, times the sum of the first cotangent. */
const ruled = (fn: BlockFunction): BlockFunction =>
  g.customGradient(
    (...xs) => ({ outputs: fn(...xs), residuals: xs }),
    (xs, [d]) =>
      xs.map((x) => {
        const sum = g.convert(g.reduceSum(g.convert(d, "float32")), x.dtype);
        return g.mul(g.mul(g.sign(x), 0.25), sum);
      }),
  );

/** {@link accumulateGradients} over a loss of one parameter and one array of examples. */
function accumulated(fn: BlockFunction, parts: number, params: g.Tensor, batch: g.Tensor) {
  const result = accumulateGradients(
    (variables, { image }) => {
      const loss = (weight: g.Tensor) => lossOf(fn(weight, image));
      const { value, grads } = g.valueAndGrad(loss)(params);
      return { loss: value, metrics: {}, variables, grads: { weight: grads } };
    },
    parts,
    { weight: params },
    {},
    { image: batch },
    g.randomKey(0),
  );
  return [result.loss, result.grads.weight];
}
