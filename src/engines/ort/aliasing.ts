/** @file Which outputs of an ONNX graph may be written over which inputs. */

import type { Shape } from "../../graph/dtype.ts";
import type { OnnxGraph, OnnxNode, OnnxValueInfo } from "../../formats/onnx.ts";
import { readsOf } from "./lower/passes/finish.ts";
import type { LoweredProgram } from "./lower/program.ts";

/** Operators whose result is their input's memory under another shape, unless it is an output. */
const SHARES_MEMORY: ReadonlySet<string> = new Set(["Reshape", "Identity"]);

/** Operators that read each element just before they write the one in its place; Identity does not write at all. */
const IN_PLACE: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Max",
  "Min",
  "Sqrt",
  "Neg",
  "Abs",
  "Identity",
]);

/** A graph's nodes by number, and who reads what. */
interface Flow {
  readonly nodes: readonly OnnxNode[];
  /** The node that makes a value. */
  readonly maker: ReadonlyMap<string, number>;
  /** The nodes that read a value. */
  readonly readers: ReadonlyMap<string, readonly number[]>;
  /** For each node, the nodes that it reads. */
  readonly sources: readonly (readonly number[])[];
  /** The graphs of an If, by its number. */
  readonly branches: ReadonlyMap<
    number,
    readonly { readonly graph: OnnxGraph; readonly flow: Flow }[]
  >;
}

function flowOf({ nodes }: OnnxGraph): Flow {
  const maker = new Map<string, number>();
  const readers = new Map<string, number[]>();
  const branches = new Map<number, { graph: OnnxGraph; flow: Flow }[]>();
  const sources = nodes.map((node, at) => {
    const reads = [...new Set(readsOf(node))];
    for (const name of reads) {
      const list = readers.get(name);
      if (list) list.push(at);
      else readers.set(name, [at]);
    }
    for (const name of node.outputs) maker.set(name, at);
    if (node.opType === "If") {
      const graphs = Object.values(node.attributes ?? {}).flatMap((a) => ("g" in a ? [a.g] : []));
      branches.set(
        at,
        graphs.map((graph) => ({ graph, flow: flowOf(graph) })),
      );
    }
    return reads.map((name) => maker.get(name)).filter((from) => from !== undefined);
  });
  return { nodes, maker, readers, sources, branches };
}

/** Marks the nodes that a node depends on. */
function ancestorsOf({ sources }: Flow, node: number): Uint8Array {
  const marks = new Uint8Array(sources.length);
  const stack = [node];
  while (stack.length > 0) {
    for (const from of sources[stack.pop()!]) {
      if (marks[from]) continue;
      marks[from] = 1;
      stack.push(from);
    }
  }
  return marks;
}

/** Some names of one memory, and those of all further values in it. */
function sharedNames({ nodes, readers }: Flow, given: readonly string[]): string[] {
  const names = [...given];
  for (const shared of names) {
    for (const at of readers.get(shared) ?? []) {
      const { opType, inputs, outputs } = nodes[at];
      if (SHARES_MEMORY.has(opType) && inputs[0] === shared) names.push(...outputs);
    }
  }
  return names;
}

/**
 * Whether a node may write an output over a memory, of which the first name is the whole value as it came in: every
 * other reader must be its ancestor.
 */
function isSafe(
  flow: Flow,
  producer: number,
  output: string,
  names: readonly string[],
  ancestors: Uint8Array,
): boolean {
  const others = names.flatMap((name) => flow.readers.get(name) ?? []);
  if (!others.every((reader) => reader === producer || ancestors[reader] === 1)) return false;
  if (!others.includes(producer)) return true;
  const node = flow.nodes[producer];
  const branches = flow.branches.get(producer);
  if (!branches) {
    const read = names.filter((name) => node.inputs.includes(name));
    return IN_PLACE.has(node.opType) && read.length === 1 && read[0] === names[0];
  }
  const index = node.outputs.indexOf(output);
  if (names.some((name) => node.inputs.includes(name))) return false;
  return branches.every(({ graph, flow: inner }) => {
    const made = graph.outputs[index].name;
    const maker = inner.maker.get(made);
    const visible = sharedNames(inner, names).filter((name) => name !== made);
    if (maker === undefined || graph.outputs.some(({ name }) => visible.includes(name)))
      return false;
    return isSafe(inner, maker, made, visible, ancestorsOf(inner, maker));
  });
}

const signature = ({ dtype, shape }: OnnxValueInfo): string =>
  `${dtype}[${(shape as Shape).join()}]`;

/** Numbers the values of each type in their order: states keep their order from input to output. */
function ranks(infos: readonly OnnxValueInfo[]): string[] {
  const counts = new Map<string, number>();
  return infos.map((info) => {
    const key = signature(info);
    const rank = counts.get(key) ?? 0;
    counts.set(key, rank + 1);
    return `${key}#${rank}`;
  });
}

/**
 * For outputs of a graph (by position), the input that the caller gives up and whose memory they may take.
 *
 * An output may overwrite an input only where every reader of the old value is an ancestor of the output's producer: the
 * order of nodes alone decides nothing. The producer itself may read it only element by element, in place; for an If the
 * same holds inside of both branches. Readers count through operators that share memory. Sessions must run the graph as
 * it is: an optimiser could add readers.
 *
 * @param donated positions of graph inputs that may be overwritten
 */
function findAliases(graph: OnnxGraph, donated: readonly number[]): Map<number, number> {
  const aliases = new Map<number, number>();
  if (donated.length === 0) return aliases;
  const flow = flowOf(graph);
  const taken = new Set(graph.outputs.map(({ name }) => name));
  const free = new Map(
    donated
      .map((position) => [position, sharedNames(flow, [graph.inputs[position].name])] as const)
      .filter(([, names]) => !names.some((name) => taken.has(name))),
  );
  const ancestors = new Map<number, Uint8Array>();
  const fits = (output: OnnxValueInfo, position: number): boolean => {
    const names = free.get(position);
    const producer = flow.maker.get(output.name);
    if (!names || producer === undefined) return false;
    if (signature(graph.inputs[position]) !== signature(output)) return false;
    let marks = ancestors.get(producer);
    if (!marks) ancestors.set(producer, (marks = ancestorsOf(flow, producer)));
    return isSafe(flow, producer, output.name, names, marks);
  };
  const assign = (choices: (index: number) => Iterable<number>): void =>
    graph.outputs.forEach((output, index) => {
      if (aliases.has(index)) return;
      for (const position of choices(index)) {
        if (!fits(output, position)) continue;
        aliases.set(index, position);
        free.delete(position);
        return;
      }
    });
  const inputRanks = ranks(donated.map((position) => graph.inputs[position]));
  const outputRanks = ranks(graph.outputs);
  const partners = new Map(inputRanks.map((rank, i) => [rank, donated[i]]));
  assign((index) => {
    const position = partners.get(outputRanks[index]);
    return position === undefined ? [] : [position];
  });
  assign(() => [...free.keys()]);
  return aliases;
}

/**
 * The same for a lowered program: for outputs of the graph, the program's input whose memory they may take.
 *
 * @param donated positions of the program's inputs
 */
export function aliasesOf(
  lowered: LoweredProgram,
  donated: readonly number[],
): Map<number, number> {
  const passed = lowered.outputs.flatMap((source) =>
    source.from === "input" ? [source.index] : [],
  );
  const given = lowered.inputs.flatMap((input, position) =>
    donated.includes(input) && !passed.includes(input) ? [position] : [],
  );
  const aliases = findAliases(lowered.graph, given);
  return new Map([...aliases].map(([output, position]) => [output, lowered.inputs[position]]));
}
