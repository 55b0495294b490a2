/** @file Control flow in ONNX: inlined regions, unrolled scans, Scan, If and Loop. */

import { type Shape, sizeOf } from "../../../../graph/dtype.ts";
import { type Program, traceRegion } from "../../../../graph/program.ts";
import { type Spec, type Tensor, specOf } from "../../../../graph/tensor.ts";
import type { OnnxGraph } from "../../../../formats/onnx.ts";
import { type GraphBuilder, valueInfo } from "../builder.ts";
import {
  type Lowering,
  type LoweringContext,
  type Lowerings,
  carrierOf,
  emptyView,
} from "../context.ts";
import { type Facts } from "../passes/graph-facts.ts";
import { finishGraph } from "../passes/finish.ts";
import { align, rowMajor } from "../realise.ts";
import { openBatchError } from "../sizes.ts";
import { isGrouped, isUnrolled, scanInGroups } from "../passes/unroll.ts";
import { type Dense, type View, dropAxes, viewOf } from "../view.ts";

const isLive = ({ shape }: { shape: Shape }): boolean => sizeOf(shape) > 0;

/** A fresh input of a sub-graph. */
const parameter = (builder: GraphBuilder, { shape, dtype }: Spec): Dense => ({
  name: builder.fresh(),
  shape,
  dtype: carrierOf(dtype),
});

const viewOfInput = (spec: Spec, dense: Dense | undefined): View =>
  dense ? viewOf(dense, spec.shape) : emptyView(spec.shape, carrierOf(spec.dtype));

/** What the last folds ask about a graph. */
export const factsOf = (builder: GraphBuilder, fusesProducts: boolean): Facts => ({
  values: builder.values,
  constants: builder.initializers,
  fusesProducts,
  ints: (values) => builder.ints(values),
});

/** A sub-graph that ends in given views, each made inside it. */
export function closeGraph(
  { builder, fusesProducts }: LoweringContext,
  name: string,
  inputs: readonly Dense[],
  results: readonly View[],
): OnnxGraph {
  const outputs = results.map((view) => builder.own(rowMajor(builder, view)));
  const graph = {
    name,
    nodes: builder.nodes,
    inputs: inputs.map(valueInfo),
    outputs: outputs.map(valueInfo),
  };
  return finishGraph(graph, factsOf(builder, fusesProducts));
}

/** Puts results of a control-flow node in the places of those that have elements. */
function spreadResults(specs: readonly Tensor[], names: readonly string[]): View[] {
  let next = 0;
  return specs.map((spec) => {
    const { shape } = spec;
    const dtype = carrierOf(spec.dtype);
    return isLive(spec) ? viewOf({ name: names[next++], shape, dtype }) : emptyView(shape, dtype);
  });
}

const lowerCond: Lowerings<"cond">["cond"] = (
  context,
  [predicate, ...operands],
  { whenTrue, whenFalse },
  { outputs },
) => {
  const { builder } = context;
  const branch = (program: Program, name: string): OnnxGraph => {
    const inner = context.nested();
    const results = inner.inline(program, operands).filter(isLive);
    return closeGraph(inner, name, [], results);
  };
  const attributes = {
    then_branch: { g: branch(whenTrue, "then") },
    else_branch: { g: branch(whenFalse, "else") },
  };
  const live = outputs.filter(isLive);
  const condition = align(builder, predicate, []);
  return spreadResults(outputs, builder.node("If", [condition.name], live.length, { attributes }));
};

const lowerWhile: Lowerings<"whileLoop">["whileLoop"] = (
  context,
  inputs,
  { condition, body, carries },
  { outputs },
) => {
  const { builder } = context;
  const initial = inputs.slice(0, carries);
  const captured = inputs.slice(carries);
  const inner = context.nested();
  const parameters = outputs.map((spec) =>
    isLive(spec) ? parameter(inner.builder, spec) : undefined,
  );
  const state = outputs.map((spec, i) => viewOfInput(spec, parameters[i]));
  const next = inner.inline(body, [...state, ...captured]);
  const [goesOn] = inner.inline(condition, [...next, ...captured]);
  const counter: Dense = { name: inner.builder.fresh(), shape: [], dtype: "int64" };
  const going: Dense = { name: inner.builder.fresh(), shape: [], dtype: "bool" };
  const graph = closeGraph(
    inner,
    "body",
    [counter, going, ...parameters.filter((p) => p !== undefined)],
    [goesOn, ...next.filter(isLive)],
  );
  const [starts] = context.inline(condition, inputs);
  const operands = [starts, ...initial.filter(isLive)].map((view) => rowMajor(builder, view).name);
  const names = builder.node("Loop", ["", ...operands], graph.outputs.length - 1, {
    attributes: { body: { g: graph } },
  });
  return spreadResults(outputs, names);
};

/** One step after another in this graph. */
const unrolledScan: Lowerings<"scan">["scan"] = (
  context,
  inputs,
  { program, carries, xs, length, reverse },
  { outputs },
) => {
  const { builder } = context;
  let state = inputs.slice(0, carries);
  const captured = inputs.slice(carries + xs);
  const sequences = inputs.slice(carries, carries + xs).map((x) => splitSteps(builder, x, length));
  const rows: View[][] = outputs.slice(carries).map(() => []);
  const steps = Array.from({ length }, (_, i) => (reverse ? length - 1 - i : i));
  for (const step of steps) {
    const slices = sequences.map((sequence) => sequence[step]);
    const results = context.inline(program, [...state, ...slices, ...captured]);
    state = results.slice(0, carries);
    results.slice(carries).forEach((row, i) => (rows[i][step] = row));
  }
  return [...state, ...rows.map((list, i) => stackSteps(builder, list, outputs[carries + i]))];
};

/** The slices of a view along its first axis. */
function splitSteps(builder: GraphBuilder, x: View, length: number): View[] {
  const shape = x.shape.slice(1);
  if (!isLive(x)) return Array.from({ length }, () => emptyView(shape, x.dense.dtype));
  if (x.strides[0] === 0) return Array.from({ length }, () => dropAxes(x, [0]));
  const { dtype, name } = rowMajor(builder, x);
  const counts = builder.ints(new Array<number>(length).fill(1));
  const parts = builder.node("Split", [name, counts], length, { attributes: { axis: { i: 0 } } });
  return parts.map((part) => viewOf({ name: part, shape: [1, ...shape], dtype }, shape));
}

/** Views stacked along a new first axis. */
function stackSteps(builder: GraphBuilder, rows: readonly View[], { shape, dtype }: Tensor): View {
  const carrier = carrierOf(dtype);
  if (sizeOf(shape) === 0) return emptyView(shape, carrier);
  const parts = rows.map((row) => builder.reshape(rowMajor(builder, row), [1, ...row.shape]));
  if (parts.length === 1) return viewOf(parts[0], shape);
  const attributes = { axis: { i: 0 } };
  return viewOf(builder.op("Concat", parts, { shape, dtype: carrier, attributes }));
}

/** ONNX's Scan, which slices and stacks without copies. */
const scanOperator: Lowerings<"scan">["scan"] = (
  context,
  inputs,
  { program, carries, xs, length, reverse },
  { outputs },
) => {
  const { builder } = context;
  const inner = context.nested();
  const loopInputs = program.inputs.slice(0, carries + xs);
  const parameters = loopInputs.map((spec) =>
    isLive(spec) ? parameter(inner.builder, spec) : undefined,
  );
  const views = loopInputs.map((spec, i) => viewOfInput(spec, parameters[i]));
  const results = inner.inline(program, [...views, ...inputs.slice(carries + xs)]);
  const live = parameters.filter((p) => p !== undefined);
  const operands = inputs.slice(0, carries + xs).filter((_, i) => parameters[i]);
  const sliced = parameters.slice(carries).filter(Boolean).length;
  if (sliced === 0) {
    // Scan takes its number of steps from what it slices: here from numbers that nobody reads
    live.push({ name: inner.builder.fresh(), shape: [], dtype: "int64" });
    operands.push(viewOf(builder.range(length, "int64")));
  }
  const sequences = Math.max(sliced, 1);
  const graph = closeGraph(inner, "body", live, results.filter(isLive));
  const stacked = results.slice(carries).filter(isLive).length;
  const directions = (n: number) => ({ ints: new Array<number>(n).fill(Number(reverse)) });
  const names = builder.node(
    "Scan",
    operands.map((view) => rowMajor(builder, view).name),
    graph.outputs.length,
    {
      attributes: {
        body: { g: graph },
        num_scan_inputs: { i: sequences },
        scan_input_directions: directions(sequences),
        ...(stacked > 0 ? { scan_output_directions: directions(stacked) } : {}),
      },
    },
  );
  return spreadResults(outputs, names);
};

const lowerScan: Lowerings<"scan">["scan"] = (context, inputs, attrs, equation) => {
  const { carries, length } = attrs;
  if (length === 0) {
    const dtypes = equation.outputs.map(({ dtype }) => carrierOf(dtype));
    return equation.outputs.map((y, i) =>
      i < carries ? inputs[i] : emptyView(y.shape, dtypes[i]),
    );
  }
  const isOpen = context.builder.sizes.isOpen(length);
  if (isOpen && attrs.xs === 0) throw openBatchError("the number of steps of a scan over nothing");
  if (!isOpen && isGrouped(attrs)) {
    const { program } = traceRegion(equation.inputs.map(specOf), (...operands) =>
      scanInGroups(attrs, operands),
    );
    return context.inlineMade(program, inputs);
  }
  const lower = !isOpen && isUnrolled(attrs) ? unrolledScan : scanOperator;
  return lower(context, inputs, attrs, equation);
};

const pass: Lowering<unknown> = (_context, inputs) => inputs;

/** The lowerings of control flow and gradient control by name. */
export const controlLowerings: Lowerings<
  | "stopGradient"
  | "withSharding"
  | "barrier"
  | "debugPrint"
  | "remat"
  | "scan"
  | "cond"
  | "whileLoop"
> = {
  stopGradient: pass,
  withSharding: pass,
  // nodes of either side are never merged here, and sessions run without an optimiser that would
  barrier: pass,
  debugPrint: (context, [x], { label }, { outputs: [{ dtype }] }) => {
    context.print({ label, view: x, dtype });
    return [x];
  },
  remat: (context, inputs, { program }) => context.inline(program, inputs),
  scan: lowerScan,
  cond: lowerCond,
  whileLoop: lowerWhile,
};
