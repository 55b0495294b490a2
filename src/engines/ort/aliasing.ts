/** @file Which outputs of an ONNX graph may be written over which inputs. */

import type { Shape } from "../../graph/dtype.ts";
import type { OnnxGraph, OnnxNode, OnnxValueInfo } from "../../formats/onnx.ts";
import { readsOf } from "./lower/peephole.ts";

/** Operators whose result is their input's memory under another shape. */
export const SHARES_MEMORY: ReadonlySet<string> = new Set(["Reshape", "Identity"]);

/** Operators that read each element just before they write the one in its place. */
export const IN_PLACE: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Max",
  "Min",
  "Sqrt",
  "Neg",
  "Abs",
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
}

function flowOf({ nodes }: OnnxGraph): Flow {
  const maker = new Map<string, number>();
  const readers = new Map<string, number[]>();
  const sources = nodes.map((node, at) => {
    const reads = [...new Set(readsOf(node))];
    for (const name of reads) {
      const list = readers.get(name);
      if (list) list.push(at);
      else readers.set(name, [at]);
    }
    for (const name of node.outputs) maker.set(name, at);
    return reads.map((name) => maker.get(name)).filter((from) => from !== undefined);
  });
  return { nodes, maker, readers, sources };
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

/** A value's name and those of all values in the same memory. */
function sharedNames({ nodes, readers }: Flow, name: string): string[] {
  const names = [name];
  for (const shared of names) {
    for (const at of readers.get(shared) ?? []) {
      const { opType, inputs, outputs } = nodes[at];
      if (SHARES_MEMORY.has(opType) && inputs[0] === shared) names.push(...outputs);
    }
  }
  return names;
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
 * order of nodes alone decides nothing. The producer itself may read it only element by element, in place. Readers count
 * through operators that share memory. Sessions must run the graph as it is: an optimiser could add readers.
 *
 * @param donated positions of graph inputs that may be overwritten
 */
export function findAliases(graph: OnnxGraph, donated: readonly number[]): Map<number, number> {
  const aliases = new Map<number, number>();
  if (donated.length === 0) return aliases;
  const flow = flowOf(graph);
  const taken = new Set(graph.outputs.map(({ name }) => name));
  const free = new Map(
    donated
      .map((position) => ({ position, names: sharedNames(flow, graph.inputs[position].name) }))
      .filter(({ names }) => !names.some((name) => taken.has(name)))
      .map((input) => [input.position, input]),
  );

  const isSafe = (names: readonly string[], producer: number, ancestors: Uint8Array): boolean =>
    names.every((name, depth) =>
      (flow.readers.get(name) ?? []).every((reader) => {
        if (reader !== producer) return ancestors[reader] === 1;
        return depth === 0 && IN_PLACE.has(flow.nodes[producer].opType);
      }),
    );

  const inputRanks = ranks(donated.map((position) => graph.inputs[position]));
  const outputRanks = ranks(graph.outputs);
  const partner = new Map(inputRanks.map((rank, i) => [rank, donated[i]]));
  const search = (choices: (index: number) => Iterable<number>): void => {
    graph.outputs.forEach((output, index) => {
      const producer = flow.maker.get(output.name);
      if (producer === undefined || aliases.has(index)) return;
      let ancestors: Uint8Array | undefined;
      for (const position of choices(index)) {
        const input = free.get(position);
        if (!input || signature(graph.inputs[position]) !== signature(output)) continue;
        ancestors ??= ancestorsOf(flow, producer);
        if (!isSafe(input.names, producer, ancestors)) continue;
        aliases.set(index, position);
        free.delete(position);
        return;
      }
    });
  };
  search((index) => {
    const position = partner.get(outputRanks[index]);
    return position === undefined ? [] : [position];
  });
  search(() => [...free.keys()]);
  return aliases;
}
