/** @file Addends and rectifiers fold into the convolutions in blocks that alone feed them: each saves a pass. */

import { sameShape } from "../../../../graph/dtype.ts";
import type { OnnxGraph, OnnxNode } from "../../../../formats/onnx.ts";
import { BLOCKED } from "../images/planes.ts";
import { type Facts, countReaders } from "./finish.ts";

/** Folds `A ∗ B + C` and `max(A ∗ B, 0)` into convolutions in blocks where nothing else reads these. */
export function foldIntoConvolutions(graph: OnnxGraph, facts: Facts): OnnxGraph {
  if (!graph.nodes.some(({ domain }) => domain === BLOCKED)) return graph;
  const readers = countReaders(graph);
  const makers = new Map<string, OnnxNode>();
  const replaced = new Set<OnnxNode>();
  /** The convolution that makes a value, perhaps under another shape, for one reader. */
  const soleConvolution = (name: string): OnnxNode | undefined => {
    const maker = readers.get(name) === 1 ? makers.get(name) : undefined;
    if (maker?.opType === "Reshape") return soleConvolution(maker.inputs[0]);
    const isOpen = maker?.domain === BLOCKED && maker.opType === "Conv";
    return isOpen && !maker.attributes?.activation ? maker : undefined;
  };
  const nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    const found =
      foldAddend(node, soleConvolution, facts) ?? foldRectifier(node, soleConvolution, facts);
    if (found) replaced.add(found.convolution);
    const made = found?.made ?? [node];
    for (const each of made) for (const output of each.outputs) makers.set(output, each);
    return made;
  });
  return { ...graph, nodes: nodes.filter((node) => !replaced.has(node)) };
}

type Sole = (name: string) => OnnxNode | undefined;

/** A convolution and the nodes that take its place. */
interface Fold {
  readonly convolution: OnnxNode;
  readonly made: OnnxNode[];
}

/** The fold of a node into a convolution, which keeps its shape; what was read of the node may have another one. */
function folded(
  convolution: OnnxNode,
  changes: Partial<OnnxNode>,
  output: string,
  { values, ints }: Facts,
): Fold {
  const [own] = convolution.outputs;
  const { shape } = values.get(output)!;
  const made = { ...convolution, ...changes };
  if (sameShape(values.get(own)!.shape, shape)) {
    return { convolution, made: [{ ...made, outputs: [output] }] };
  }
  const reshape = { opType: "Reshape", inputs: [own, ints(shape)], outputs: [output] };
  return { convolution, made: [made, reshape] };
}

function foldAddend(node: OnnxNode, soleConvolution: Sole, facts: Facts): Fold | undefined {
  if (node.opType !== "Add") return undefined;
  const { values, ints } = facts;
  for (const [name, other] of [node.inputs, [...node.inputs].reverse()]) {
    const convolution = name === other ? undefined : soleConvolution(name);
    if (!convolution || convolution.inputs.length > 3) continue;
    const [given, addend] = [values.get(name), values.get(other)];
    if (!given || !addend || !sameShape(given.shape, addend.shape)) continue;
    const [x, kernel, bias = ""] = convolution.inputs;
    const [own] = convolution.outputs;
    const { shape } = values.get(own)!;
    const isSame = sameShape(addend.shape, shape);
    const sum = isSame ? other : `${own}:addend`;
    const fold = folded(convolution, { inputs: [x, kernel, bias, sum] }, node.outputs[0], facts);
    if (isSame) return fold;
    const reshape = { opType: "Reshape", inputs: [other, ints(shape)], outputs: [sum] };
    return { ...fold, made: [reshape, ...fold.made] };
  }
  return undefined;
}

function foldRectifier(node: OnnxNode, soleConvolution: Sole, facts: Facts): Fold | undefined {
  if (node.opType !== "Max" || node.inputs.length !== 2) return undefined;
  for (const [name, other] of [node.inputs, [...node.inputs].reverse()]) {
    const floor = facts.constants[other];
    const convolution =
      floor?.data.length === 1 && !floor.data[0] ? soleConvolution(name) : undefined;
    if (!convolution) continue;
    const attributes = { ...convolution.attributes, activation: { s: "Relu" } };
    return folded(convolution, { attributes }, node.outputs[0], facts);
  }
  return undefined;
}
