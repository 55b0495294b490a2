/** @file What is known of an ONNX graph: who reads what, and what leads to no output. */

import type { HostArray } from "../../../../graph/dtype.ts";
import type { OnnxGraph, OnnxNode } from "../../../../formats/onnx.ts";
import type { Dense } from "../view.ts";

/** What is known beside a graph. */
export interface Facts {
  /** Values by name; those made by nodes with several outputs may be missing. */
  readonly values: ReadonlyMap<string, Dense>;
  /** Constants of the whole model. */
  readonly constants: Readonly<Record<string, HostArray>>;
  /** Whether `FusedMatMul` may be used. */
  readonly fusesProducts: boolean;
  /** The name of a constant list of integers. */
  readonly ints: (values: readonly number[]) => string;
}

/** Names that a node reads, those that its sub-graphs capture included. */
export function readsOf(node: OnnxNode): string[] {
  const inner = Object.values(node.attributes ?? {}).flatMap((attribute) =>
    "g" in attribute
      ? [...attribute.g.nodes.flatMap(readsOf), ...attribute.g.outputs.map(({ name }) => name)]
      : [],
  );
  return [...node.inputs.filter((name) => name !== ""), ...inner];
}

/** How often each value is read, outputs included. */
export function countReaders(graph: OnnxGraph): Map<string, number> {
  const readers = new Map<string, number>();
  const count = (name: string) => readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const { name } of graph.outputs) count(name);
  for (const node of graph.nodes) readsOf(node).forEach(count);
  return readers;
}

/** The graph without nodes and constants that lead to no output. */
export function withoutDeadNodes(graph: OnnxGraph): OnnxGraph {
  const live = new Set(graph.outputs.map(({ name }) => name));
  const kept: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    kept.push(node);
    for (const name of readsOf(node)) live.add(name);
  }
  kept.reverse();
  if (!graph.initializers) return { ...graph, nodes: kept };
  const constants = Object.entries(graph.initializers).filter(([name]) => live.has(name));
  return { ...graph, nodes: kept, initializers: Object.fromEntries(constants) };
}
