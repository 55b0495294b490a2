/** @file Gradient control and control flow in StableHLO. */

import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Program } from "../../../../graph/program.ts";
import { placeSharding } from "../../../mesh.ts";
import type { Builder, Value } from "../builder.ts";
import type { Lowering, LoweringContext } from "../lowering.ts";
import { fusedAttention } from "./attention.ts";
import { i64s, shardingAttribute } from "../text.ts";

const stopGradient: Lowering<unknown> = ({ inputs }) => inputs;

const barrier: Lowering<unknown> = ({ b, inputs }) =>
  b.op("stablehlo.optimization_barrier", inputs, inputs);

const withSharding: Lowering<AttrsOf<"withSharding">> = ({ b, inputs: [x], attrs }) => {
  if (!b.mesh) return [x];
  const sharding = placeSharding(b.mesh, x.shape, attrs.sharding, "withSharding");
  return b.op("sdy.sharding_constraint", [x], [x], { sharding: shardingAttribute(sharding) });
};

/** Shown after the run, as a further output of the function. */
const debugPrint: Lowering<AttrsOf<"debugPrint">> = ({ b, inputs, attrs: { label } }) => {
  b.prints.push({ label, value: inputs[0] });
  return inputs;
};

const remat: Lowering<AttrsOf<"remat">> = ({ inputs, attrs, inline }) =>
  inline(attrs.program, inputs);

const composite: Lowering<AttrsOf<"composite">> = (context) =>
  fusedAttention(context) ?? context.inline(context.attrs.program, context.inputs);

/** A loop whose state is `state`, of which `next` computes the first part; the rest never changes. */
export function loop(
  b: Builder,
  state: readonly Value[],
  condition: (args: Value[]) => Value,
  next: (args: Value[]) => readonly Value[],
): Value[] {
  const test = b.region(state, (args) => [condition(args)]);
  const body = b.region(state, (args) => {
    const changed = next(args);
    return [...changed, ...args.slice(changed.length)];
  });
  return b.op("stablehlo.while", state, state, {}, [test, body]);
}

const rowStarts = (b: Builder, x: Value, at: Value): Value[] => {
  const zero = b.scalar(0, "int32");
  return x.shape.map((_, axis) => (axis === 0 ? at : zero));
};

/** One slice along axis 0, without that axis. */
function row(b: Builder, x: Value, at: Value): Value {
  const shape = x.shape.slice(1);
  const sizes = [1, ...shape];
  const spec = { shape: sizes, dtype: x.dtype };
  const operands = [x, ...rowStarts(b, x, at)];
  return b.reshape(b.one("dynamic_slice", operands, spec, { slice_sizes: i64s(sizes) }), shape);
}

/** `x` with one slice along axis 0 replaced. */
function withRow(b: Builder, x: Value, y: Value, at: Value): Value {
  const slice = b.reshape(y, [1, ...y.shape]);
  return b.one("dynamic_update_slice", [x, slice, ...rowStarts(b, x, at)], x);
}

const scan: Lowering<AttrsOf<"scan">> = ({ b, inputs, outputs, attrs, inline }) => {
  const { program, carries, xs, length, reverse } = attrs;
  const stacks = outputs.slice(carries).map((y) => b.full(y, 0));
  if (length === 0) return [...inputs.slice(0, carries), ...stacks];
  const first = b.scalar(0, "int32");
  const state = [first, ...inputs.slice(0, carries), ...stacks, ...inputs.slice(carries)];
  const results = loop(
    b,
    state,
    ([step]) => b.compare("LT", step, b.scalar(length, "int32")),
    ([step, ...rest]) => {
      const [carry, ys, sequences, captured] = cut(rest, [carries, stacks.length, xs]);
      const at = reverse ? b.map("subtract", b.scalar(length - 1, "int32"), step) : step;
      const rows = sequences.map((x) => row(b, x, at));
      const made = inline(program, [...carry, ...rows, ...captured]);
      const stacked = ys.map((y, i) => withRow(b, y, made[carries + i], at));
      const following = b.map("add", step, b.scalar(1, "int32"));
      return [following, ...made.slice(0, carries), ...stacked];
    },
  );
  return results.slice(1, 1 + carries + stacks.length);
};

function cut<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  let from = 0;
  const parts = sizes.map((n) => items.slice(from, (from += n)));
  return [...parts, items.slice(from)];
}

const whileLoop: Lowering<AttrsOf<"whileLoop">> = ({ b, inputs, attrs, inline }) =>
  loop(
    b,
    inputs,
    (args) => inline(attrs.condition, args)[0],
    (args) => inline(attrs.body, args),
  ).slice(0, attrs.carries);

const cond: Lowering<AttrsOf<"cond">> = (context) => {
  const { b, inputs, outputs, attrs } = context;
  const branches = [attrs.whenTrue, attrs.whenFalse].map((program) => branch(context, program));
  return b.op("stablehlo.if", inputs.slice(0, 1), outputs, {}, branches);
};

/** A branch reads its operands from around it. */
const branch = ({ b, inputs, inline }: LoweringContext<unknown>, program: Program): string =>
  b.region([], () => inline(program, inputs.slice(1)));

export const controlLowerings = {
  stopGradient,
  barrier,
  withSharding,
  debugPrint,
  remat,
  composite,
  scan,
  whileLoop,
  cond,
};
