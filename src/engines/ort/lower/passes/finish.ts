/** @file What is done to an ONNX graph once all of it is known. */

import type { OnnxGraph } from "../../../../formats/onnx.ts";
import { foldIntoConvolutions } from "./blocked-folds.ts";
import { shapeOutputs } from "./output-shapes.ts";
import { foldIntoProducts } from "./products.ts";
import { type Facts, withoutDeadNodes } from "./graph-facts.ts";

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
