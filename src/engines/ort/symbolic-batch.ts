/** @file Two ONNX graphs of one function at two batch sizes become one graph for any batch size. */

import { OcelliError } from "../../errors.ts";
import { type HostArray, fromNumbers, sameShape, toNumbers } from "../../graph/dtype.ts";
import { ONNX_DTYPES } from "../../formats/onnx.ts";
import type { OnnxGraph, OnnxNode, OnnxValueInfo } from "../../formats/onnx.ts";
import { withoutDeadNodes } from "./lower/passes/finish.ts";
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

type Constants = Readonly<Record<string, HostArray>>;

const sameArray = (a: HostArray, b: HostArray): boolean => {
  if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) return false;
  if (a.data === b.data) return true;
  return (a.data as Float32Array).every((x, i) => Object.is(x, b.data[i]));
};

/** One graph for any batch, from two that differ in nothing but their batch size. */
export function withSymbolicBatch(a: OnnxGraph, b: OnnxGraph): OnnxGraph {
  const batches = findBatches(a.inputs, b.inputs);
  const merger = new Merger(batches, a, b);
  const merged = merger.merge(a, b);
  return withoutDeadNodes({ ...merged, initializers: { ...a.initializers, ...merger.added } });
}

/** Walks two graphs, those inside of them included, and writes what they have in common. */
class Merger {
  /** Constants made for the merged graph. */
  readonly added: Record<string, HostArray> = {};
  readonly #batches: Batches;
  /** The name of the input whose first extent is the batch. */
  readonly #input: string;
  readonly #constants: readonly [Constants, Constants];
  /** The second graph's names of the first one's values. */
  readonly #names = new Map<string, string>();
  #count = 0;

  constructor(batches: Batches, a: OnnxGraph, b: OnnxGraph) {
    this.#batches = batches;
    this.#input = a.inputs[batches.input].name;
    this.#constants = [a.initializers ?? {}, b.initializers ?? {}];
  }

  merge(a: OnnxGraph, b: OnnxGraph): OnnxGraph {
    const nodes: OnnxNode[] = [];
    const inputs = this.#infos(a.inputs, b.inputs);
    if (a.nodes.length !== b.nodes.length) throw openBatchError("the graph itself");
    a.nodes.forEach((node, at) => this.#mergeNode(node, b.nodes[at], nodes));
    for (const [i, { name }] of a.outputs.entries()) {
      if (this.#names.get(name) !== b.outputs[i].name) throw openBatchError(`output "${name}"`);
    }
    return { ...a, nodes, inputs, outputs: this.#infos(a.outputs, b.outputs) };
  }

  #mergeNode(a: OnnxNode, b: OnnxNode, nodes: OnnxNode[]): void {
    const isSame =
      a.opType === b.opType &&
      a.inputs.length === b.inputs.length &&
      a.outputs.length === b.outputs.length;
    if (!isSame) throw openBatchError(`a ${a.opType}`);
    const inputs = a.inputs.map((_, i) => this.#operand(a, b, i, nodes));
    const attributes = a.attributes && this.#attributes(a, b);
    a.outputs.forEach((name, i) => this.#names.set(name, b.outputs[i]));
    nodes.push({ ...a, inputs, ...(attributes && { attributes }) });
  }

  #attributes(a: OnnxNode, b: OnnxNode): OnnxNode["attributes"] {
    const entries = Object.entries(a.attributes ?? {}).map(([key, value]) => {
      const twin = b.attributes?.[key];
      if (twin && "g" in value && "g" in twin) return [key, { g: this.merge(value.g, twin.g) }];
      if (JSON.stringify(value) !== JSON.stringify(twin)) throw openBatchError(`a ${a.opType}`);
      return [key, value];
    });
    return Object.fromEntries(entries) as OnnxNode["attributes"];
  }

  #operand(a: OnnxNode, b: OnnxNode, i: number, nodes: OnnxNode[]): string {
    const name = a.inputs[i];
    const other = b.inputs[i];
    const [x, y] = [this.#constants[0][name], this.#constants[1][other]];
    if (x && y) return sameArray(x, y) ? name : this.#write(a, i, x, y, nodes);
    const isSame = name === "" ? other === "" : this.#names.get(name) === other;
    if (x || y || !isSame) throw openBatchError(`an operand of ${a.opType}`);
    return name;
  }

  /** Extents that differ as multiples of the symbol. */
  #infos(a: readonly OnnxValueInfo[], b: readonly OnnxValueInfo[]): OnnxValueInfo[] {
    return a.map((info, i) => {
      const other = b[i].shape as readonly number[];
      const shape = (info.shape as readonly number[]).map((extent, axis) => {
        const what = `the shape of "${info.name}"`;
        const times = multipleOf([extent, other[axis]], this.#batches, what);
        return times === 0 ? extent : times === 1 ? BATCH : `${times}*${BATCH}`;
      });
      this.#names.set(info.name, b[i].name);
      return { ...info, shape };
    });
  }

  /** Integers that depend on the batch: −1 in a Reshape, else computed from the input's shape. */
  #write(node: OnnxNode, input: number, a: HostArray, b: HostArray, nodes: OnnxNode[]): string {
    const what = `operand ${input} of ${node.opType}`;
    const isInteger = a.dtype === "int64" || a.dtype === "int32" || node.opType === "Range";
    if (!isInteger || a.shape.length > 1 || !sameShape(a.shape, b.shape)) {
      throw openBatchError(what);
    }
    const others = toNumbers(b);
    const entries = toNumbers(a).map((value, i) => ({
      value,
      times: multipleOf([value, others[i]], this.#batches, what),
    }));
    const open = entries.filter(({ times }) => times > 0);
    if (node.opType === "Reshape" && input === 1 && open.length === 1) {
      return this.#constant(entries.map(({ value, times }) => (times > 0 ? -1 : value)));
    }
    const add = (opType: string, inputs: string[], attributes?: OnnxNode["attributes"]): string => {
      const name = `batch_shape${this.#count++}`;
      nodes.push({ opType, name, inputs, outputs: [name], attributes });
      return name;
    };
    const batch = add("Shape", [this.#input], { start: { i: 0 }, end: { i: 1 } });
    const parts = entries.map(({ value, times }) => {
      if (times === 0) return this.#constant([value]);
      return times === 1 ? batch : add("Mul", [batch, this.#constant([times])]);
    });
    const list = parts.length === 1 ? parts[0] : add("Concat", parts, { axis: { i: 0 } });
    const typed =
      a.dtype === "int64" ? list : add("Cast", [list], { to: { i: ONNX_DTYPES[a.dtype] } });
    return a.shape.length === 1 ? typed : add("Squeeze", [typed]);
  }

  #constant(values: readonly number[]): string {
    const name = `batch_shape${this.#count++}`;
    this.added[name] = fromNumbers(values, [values.length], "int64");
    return name;
  }
}
