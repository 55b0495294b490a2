/** @file From a program to an ONNX graph: equations are lowered one by one over lazy views. */

import {
  type DType,
  type HostArray,
  type Shape,
  sizeOf,
  typedArray,
} from "../../../graph/dtype.ts";
import type { CompositeAttrs } from "../../../graph/ops/composite.ts";
import type { PrimitiveName } from "../../../graph/ops/index.ts";
import { type Program, decompositionOf, evaluateProgram } from "../../../graph/program.ts";
import { simplify } from "../../../graph/simplify.ts";
import type { Equation, Tensor } from "../../../graph/tensor.ts";
import type { OnnxGraph } from "../../../formats/onnx.ts";
import type { GpuTraits } from "../runtime/runtime.ts";
import { checkSupported } from "../unsupported.ts";
import { GraphBuilder, valueInfo } from "./builder.ts";
import {
  type Lowering,
  type LoweringContext,
  type Print,
  carrierOf,
  emptyView,
  rounded,
} from "./context.ts";
import { factsOf } from "./ops/control.ts";
import { lowerings } from "./index.ts";
import { finishGraph } from "./passes/finish.ts";
import { constantView } from "./ops/random.ts";
import { rowMajor } from "./realise.ts";
import { type Dense, type View, viewOf } from "./view.ts";

/** Where an output of a program comes from. */
export type OutputSource =
  | { readonly from: "graph"; readonly index: number }
  | { readonly from: "input"; readonly index: number }
  | { readonly from: "constant"; readonly value: HostArray };

/** A value that is printed after each run. */
export interface PrintedOutput {
  readonly label: string;
  readonly source: Exclude<OutputSource, { readonly from: "input" }>;
}

/** A program as an ONNX graph, and how its inputs and outputs map to the program's. */
export interface LoweredProgram {
  readonly graph: OnnxGraph;
  /** For each input of the graph, which input of the program it is. */
  readonly inputs: readonly number[];
  readonly outputs: readonly OutputSource[];
  readonly prints: readonly PrintedOutput[];
}

/** Options of {@link lowerProgram}. */
export interface LoweringOptions {
  /** Only operators of the ONNX standard; for files that other runtimes read. */
  readonly portable?: boolean;
  /** How many channels lie in a block of ONNX Runtime's own convolutions. Default: 0, not to use them. */
  readonly block?: number;
  /** The GPU that computes the graph. Default: none, the processor does. */
  readonly gpu?: GpuTraits;
  /** The number of the batch, where it is open: a prime that divides no fixed extent; portable graphs alone. */
  readonly open?: number;
  readonly inputNames?: readonly string[];
  readonly outputNames?: readonly string[];
  /** Inputs (by position) that become constants of the graph. */
  readonly constants?: ReadonlyMap<number, HostArray>;
}

/** Primitives whose results need no rounding: they move or choose elements, or their parts were rounded. */
const EXACT = new Set<string>([
  "constant",
  "iota",
  "neg",
  "abs",
  "sign",
  "max",
  "min",
  "select",
  "reshape",
  "transpose",
  "broadcastInDim",
  "slice",
  "pad",
  "concatenate",
  "reverse",
  "gather",
  "scatterSet",
  "scatterMax",
  "scatterMin",
  "dynamicSlice",
  "dynamicUpdateSlice",
  "sort",
  "topK",
  "reduceMax",
  "reduceMin",
  "cumMax",
  "stopGradient",
  "withSharding",
  "barrier",
  "debugPrint",
  "remat",
  "scan",
  "cond",
  "whileLoop",
  "composite",
] satisfies PrimitiveName[]);

function lowerEquation(context: LoweringContext, equation: Equation, inputs: View[]): View[] {
  const { primitive, attrs, outputs } = equation;
  const blank = (y: Tensor): View => emptyView(y.shape, carrierOf(y.dtype));
  if (outputs.every((y) => sizeOf(y.shape) === 0) && primitive.name !== "debugPrint") {
    return outputs.map(blank);
  }
  const lower = lowerings[primitive.name as PrimitiveName] as Lowering<unknown> | undefined;
  const own = primitive.name === "composite" ? (attrs as CompositeAttrs).name : primitive.name;
  const purpose = [equation.scope, own].filter(Boolean).join("/");
  const results = context.builder.within(purpose, () =>
    lower
      ? lower(context, inputs, attrs, equation)
      : context.inlineMade(decompositionOf(equation), inputs),
  );
  return outputs.map((y, i) => {
    const view = results[i];
    if (!view || sizeOf(y.shape) === 0) return blank(y);
    return EXACT.has(primitive.name) ? view : rounded(context.builder, view, y.dtype);
  });
}

/** The tensors that something reads, in a program and in those inside it. */
function usedTensors(program: Program, used = new Set<Tensor>()): Set<Tensor> {
  for (const output of program.outputs) used.add(output);
  for (const { inputs, attrs } of program.equations) {
    for (const input of inputs) used.add(input);
    for (const value of Object.values(attrs as object)) {
      if (typeof value === "object" && value !== null && "equations" in value) {
        usedTensors(value as Program, used);
      }
    }
  }
  return used;
}

/**
 * Lowers a program to an ONNX graph in which every shape is known.
 *
 * @throws OcelliError "unsupported" where a dtype or operation has no ONNX Runtime kernel
 */
export function lowerProgram(program: Program, options: LoweringOptions = {}): LoweredProgram {
  const {
    portable = false,
    block = 0,
    gpu,
    open,
    constants = new Map<number, HostArray>(),
  } = options;
  checkSupported(program, gpu);
  const fusesProducts = !portable && !gpu; // no such kernel on a GPU
  const reserved = [...(options.inputNames ?? []), ...(options.outputNames ?? [])];
  const builder = new GraphBuilder({ reserved, block: portable ? 0 : block, open });
  const used = usedTensors(program);
  const prints: Print[] = [];
  const contextOf = (inner: GraphBuilder): LoweringContext => {
    const context: LoweringContext = {
      builder: inner,
      portable,
      gpu: gpu !== undefined,
      maxStorageBytes: gpu?.maxStorageBytes ?? Infinity,
      fusesProducts,
      isUsed: (tensor) => used.has(tensor),
      inlineMade: (made, inputs) => {
        const simpler = simplify(made);
        usedTensors(simpler, used);
        return context.inline(simpler, inputs);
      },
      inline: (region, inputs) =>
        evaluateProgram<View>(region, inputs, (equation, operands) =>
          lowerEquation(context, equation, operands),
        ),
      nested: () => contextOf(inner.nested()),
      print: (print) => void prints.push(print),
    };
    return context;
  };
  const inputs: Dense[] = [];
  const positions: number[] = [];
  const views = program.inputs.map((tensor, i): View => {
    const { shape, dtype } = tensor;
    const value = constants.get(i);
    if (sizeOf(shape) === 0 || !used.has(tensor)) return emptyView(shape, carrierOf(dtype));
    if (value) return constantView(builder, value, options.inputNames?.[i]);
    const dense = { name: options.inputNames?.[i] ?? builder.fresh("in"), shape, dtype };
    inputs.push(dense);
    positions.push(i);
    return viewOf(builder.cast(dense, carrierOf(dtype)), shape);
  });
  const results = contextOf(builder).inline(program, views);

  const outputs: Dense[] = [];
  const add = (view: View, dtype: DType, name?: string): number => {
    const dense = builder.cast(rowMajor(builder, view), dtype);
    outputs.push(name === undefined ? builder.own(dense) : builder.named(dense, name));
    return outputs.length - 1;
  };
  const sources = program.outputs.map((tensor, i): OutputSource => {
    const { shape, dtype } = tensor;
    if (sizeOf(shape) === 0) return { from: "constant", value: emptyArray(shape, dtype) };
    const input = program.inputs.indexOf(tensor);
    if (input >= 0 && !options.outputNames) return { from: "input", index: input };
    return { from: "graph", index: add(results[i], dtype, options.outputNames?.[i]) };
  });
  const printed = prints.map(({ label, view, dtype }): PrintedOutput => {
    const { shape } = view;
    const isEmpty = sizeOf(shape) === 0; // which no graph can hold
    const source = isEmpty
      ? ({ from: "constant", value: emptyArray(shape, dtype) } as const)
      : ({ from: "graph", index: add(view, dtype) } as const);
    return { label, source };
  });
  const graph = {
    name: "program",
    nodes: builder.nodes,
    inputs: inputs.map(valueInfo),
    outputs: outputs.map(valueInfo),
    initializers: builder.initializers,
  };
  return {
    graph: finishGraph(graph, factsOf(builder, fusesProducts)),
    inputs: positions,
    outputs: sources,
    prints: printed,
  };
}

const emptyArray = (shape: Shape, dtype: DType): HostArray => ({
  shape,
  dtype,
  data: typedArray(dtype, 0),
});
