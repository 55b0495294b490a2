/** @file Outputs in their own shapes: a Reshape that makes an output would copy it. */

import { type Shape, sameShape } from "../../../../graph/dtype.ts";
import type { OnnxGraph, OnnxNode } from "../../../../formats/onnx.ts";
import type { Facts } from "./finish.ts";

/** Operators whose result has its operands' shape. */
const ELEMENTWISE = new Set(["Add", "Sub", "Mul", "Div", "Sqrt", "Neg", "Abs", "Max", "Min"]);

/**
 * Where an output is the reshaped result of an elementwise operator, the operator is applied in the output's shape, and
 * who reads its result in the old shape gets that by a Reshape, which inside of a graph costs nothing.
 */
export function shapeOutputs(graph: OnnxGraph, facts: Facts): OnnxGraph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const replaced = new Map<OnnxNode, readonly OnnxNode[]>();
  for (const node of graph.nodes) {
    const maker = makers.get(node.inputs[0]);
    if (node.opType !== "Reshape" || !outputs.has(node.outputs[0]) || !maker) continue;
    if (replaced.has(maker) || maker.outputs.some((name) => outputs.has(name))) continue;
    const nodes = inShapeOf(node, maker, makers, facts);
    if (!nodes) continue;
    replaced.set(maker, nodes);
    replaced.set(node, []);
  }
  if (replaced.size === 0) return graph;
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
}

/** The nodes that make the output of a Reshape, and the value before it, from the maker's operands. */
function inShapeOf(
  reshape: OnnxNode,
  maker: OnnxNode,
  makers: ReadonlyMap<string, OnnxNode>,
  { values, ints }: Facts,
): OnnxNode[] | undefined {
  const [output] = reshape.outputs;
  const [before] = reshape.inputs;
  const old = values.get(before)?.shape;
  const shape = values.get(output)?.shape;
  if (!old?.length || !shape || !ELEMENTWISE.has(maker.opType)) return undefined;
  const nodes: OnnxNode[] = [];
  const operand = (name: string, i: number): string | undefined => {
    const given = values.get(name)?.shape;
    if (given?.length === 0) return name;
    if (!given || !sameShape(given, old)) return undefined;
    const source = makers.get(name)?.opType === "Reshape" ? makers.get(name)!.inputs[0] : undefined;
    if (source && sameShape(values.get(source)?.shape ?? [-1], shape)) return source;
    const made = `${output}_${i}`;
    nodes.push(reshapeNode(name, shape, made));
    return made;
  };
  const reshapeNode = (from: string, to: Shape, made: string): OnnxNode => ({
    opType: "Reshape",
    inputs: [from, ints(to)],
    outputs: [made],
  });
  const inputs = maker.inputs.map(operand);
  if (inputs.includes(undefined)) return undefined;
  return [
    ...nodes,
    { ...maker, inputs: inputs as string[], outputs: [output] },
    reshapeNode(output, old, before),
  ];
}
