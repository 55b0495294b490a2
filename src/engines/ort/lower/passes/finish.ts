/** @file What is done to an ONNX graph once all of it is known. */

import type { HostArray } from "../../../../graph/dtype.ts";
import type { OnnxGraph, OnnxNode } from "../../../../formats/onnx.ts";
import { foldIntoConvolutions } from "./blocked-folds.ts";
import { shapeOutputs } from "./output-shapes.ts";
import { foldIntoProducts } from "./products.ts";
import type { Dense } from "../view.ts";

/** What is known beside a graph. */
export interface Facts {
  /** Values by name; those made by nodes with several outputs may be missing. */
  readonly values: ReadonlyMap<string, Dense>;
  /** Constants of the whole model. */
  readonly constants: Readonly<Record<string, HostArray>>;
  readonly portable: boolean;
  /** The name of a constant list of integers. */
  readonly ints: (values: readonly number[]) => string;
}

/** A graph with all folds applied and without dead nodes. */
export function finishGraph(graph: OnnxGraph, facts: Facts): OnnxGraph {
  const live = withoutDeadNodes(graph);
  const products = foldIntoConvolutions(foldIntoProducts(live, facts), facts);
  const folded = shapeOutputs(products, facts);
  const initializers = graph.initializers && facts.constants; // the folds may have made some
  return withNodeNames(withoutDeadNodes({ ...folded, initializers }));
}

/** The graph with a name for each node, one that no other has: its output's, where it was made for nothing in particular. */
function withNodeNames(graph: OnnxGraph): OnnxGraph {
  const taken = new Set(graph.nodes.map(({ name }) => name));
  const nodes = graph.nodes.map((node) => {
    if (node.name) return node;
    let name = node.outputs[0];
    while (taken.has(name)) name += "_";
    taken.add(name);
    return { ...node, name };
  });
  return { ...graph, nodes };
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
