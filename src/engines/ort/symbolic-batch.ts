/** @file Two ONNX graphs of one function at two batch sizes become one graph for any batch size. */

import { OcelliError } from "../../errors.ts";
import { type HostArray, fromNumbers, sameShape, toNumbers } from "../../graph/dtype.ts";
import { ONNX_DTYPES } from "../../formats/onnx.ts";
import type { OnnxGraph, OnnxNode, OnnxValueInfo } from "../../formats/onnx.ts";
import { withoutDeadNodes } from "./lower/finish.ts";
import { openBatchError } from "./lower/sizes.ts";

/** The symbol of the batch extent. */
const BATCH = "batch";

/** The batch sizes of two graphs or programs, and which input's first axis has them. */
interface Batches {
  readonly sizes: readonly [number, number];
  readonly input: number;
}

interface Shaped {
  readonly shape?: readonly (number | string)[];
}

/** How many times the batch a number is: 0 where it is the same in both graphs. */
function multipleOf([a, b]: readonly [number, number], { sizes }: Batches, what: string): number {
  if (a === b) return 0;
  const times = a / sizes[0];
  if (!Number.isInteger(times) || times * sizes[1] !== b) throw openBatchError(what);
  return times;
}

/** Finds the batch in the inputs of one function at two batch sizes. */
export function findBatches(a: readonly Shaped[], b: readonly Shaped[]): Batches {
  for (const [input, { shape }] of a.entries()) {
    const first = shape?.[0];
    const other = b[input]?.shape?.[0];
    if (typeof first === "number" && typeof other === "number" && first !== other) {
      return { sizes: [first, other], input };
    }
  }
  throw new OcelliError("argument", "the two programs have the same batch size in every input.");
}

/** Extents that differ as multiples of the symbol. */
function symbolicInfos(
  a: readonly OnnxValueInfo[],
  b: readonly OnnxValueInfo[],
  batches: Batches,
): OnnxValueInfo[] {
  return a.map((info, i) => {
    const other = b[i].shape as readonly number[];
    const shape = (info.shape as readonly number[]).map((extent, axis) => {
      const times = multipleOf([extent, other[axis]], batches, `the shape of "${info.name}"`);
      return times === 0 ? extent : times === 1 ? BATCH : `${times}*${BATCH}`;
    });
    return { ...info, shape };
  });
}

/** The second graph's names of the first one's values, checked as the graphs are walked. */
class Correspondence {
  readonly #names = new Map<string, string>();

  pair(
    a: readonly OnnxValueInfo[] | readonly string[],
    b: readonly OnnxValueInfo[] | readonly string[],
  ): void {
    const nameOf = (value: OnnxValueInfo | string) =>
      typeof value === "string" ? value : value.name;
    a.forEach((value, i) => this.#names.set(nameOf(value), nameOf(b[i])));
  }

  holds(a: string, b: string): boolean {
    return a === "" ? b === "" : this.#names.get(a) === b;
  }
}

const sameNode = (a: OnnxNode, b: OnnxNode | undefined): boolean =>
  b !== undefined &&
  a.opType === b.opType &&
  a.inputs.length === b.inputs.length &&
  a.outputs.length === b.outputs.length &&
  JSON.stringify(a.attributes) === JSON.stringify(b.attributes);

/** One graph for any batch, from two that differ in nothing but their batch size. */
export function withSymbolicBatch(a: OnnxGraph, b: OnnxGraph): OnnxGraph {
  const batches = findBatches(a.inputs, b.inputs);
  const names = new Correspondence();
  names.pair(a.inputs, b.inputs);
  const constantsA = a.initializers ?? {};
  const constantsB = b.initializers ?? {};
  const nodes: OnnxNode[] = [];
  const added: Record<string, HostArray> = {};
  const shapes = new ShapeWriter(batches, a.inputs[batches.input].name, nodes, added);
  if (a.nodes.length !== b.nodes.length) throw openBatchError("the graph itself");
  a.nodes.forEach((node, at) => {
    const twin = b.nodes[at];
    if (!sameNode(node, twin)) throw openBatchError(`a ${node.opType}`);
    const inputs = node.inputs.map((name, i) => {
      const other = twin.inputs[i];
      const [x, y] = [constantsA[name], constantsB[other]];
      if (x && y) return sameArray(x, y) ? name : shapes.write(node, i, x, y);
      if (x || y || !names.holds(name, other)) throw openBatchError(`an operand of ${node.opType}`);
      return name;
    });
    names.pair(node.outputs, twin.outputs);
    nodes.push({ ...node, inputs });
  });
  return withoutDeadNodes({
    ...a,
    nodes,
    inputs: symbolicInfos(a.inputs, b.inputs, batches),
    outputs: symbolicInfos(a.outputs, b.outputs, batches),
    initializers: { ...constantsA, ...added },
  });
}

function sameArray(a: HostArray, b: HostArray): boolean {
  if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) return false;
  if (a.data === b.data) return true;
  return (a.data as Float32Array).every((x, i) => Object.is(x, b.data[i]));
}

/** Writes integers that depend on the batch: −1 in a Reshape, else computed from the input's shape. */
class ShapeWriter {
  readonly #batches: Batches;
  readonly #input: string;
  readonly #nodes: OnnxNode[];
  readonly #constants: Record<string, HostArray>;
  #count = 0;

  constructor(
    batches: Batches,
    input: string,
    nodes: OnnxNode[],
    constants: Record<string, HostArray>,
  ) {
    this.#batches = batches;
    this.#input = input;
    this.#nodes = nodes;
    this.#constants = constants;
  }

  write(node: OnnxNode, input: number, a: HostArray, b: HostArray): string {
    const what = `operand ${input} of ${node.opType}`;
    const isInteger = a.dtype === "int64" || a.dtype === "int32" || node.opType === "Range";
    if (!isInteger || a.shape.length > 1 || !sameShape(a.shape, b.shape))
      throw openBatchError(what);
    const others = toNumbers(b);
    const entries = toNumbers(a).map((value, i) => ({
      value,
      times: multipleOf([value, others[i]], this.#batches, what),
    }));
    const open = entries.filter(({ times }) => times > 0);
    if (node.opType === "Reshape" && input === 1 && open.length === 1) {
      return this.#constant(entries.map(({ value, times }) => (times > 0 ? -1 : value)));
    }
    const batch = this.#node("Shape", [this.#input], { start: { i: 0 }, end: { i: 1 } });
    const parts = entries.map(({ value, times }) => {
      if (times === 0) return this.#constant([value]);
      return times === 1 ? batch : this.#node("Mul", [batch, this.#constant([times])]);
    });
    const list = parts.length === 1 ? parts[0] : this.#node("Concat", parts, { axis: { i: 0 } });
    const typed =
      a.dtype === "int64" ? list : this.#node("Cast", [list], { to: { i: ONNX_DTYPES[a.dtype] } });
    return a.shape.length === 1 ? typed : this.#node("Squeeze", [typed]);
  }

  #constant(values: readonly number[]): string {
    const name = `batch_shape${this.#count++}`;
    this.#constants[name] = fromNumbers(values, [values.length], "int64");
    return name;
  }

  #node(opType: string, inputs: readonly string[], attributes?: OnnxNode["attributes"]): string {
    const name = `batch_shape${this.#count++}`;
    this.#nodes.push({ opType, inputs, outputs: [name], attributes });
    return name;
  }
}
