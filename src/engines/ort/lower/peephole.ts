/** @file Last folds on an ONNX graph: factors and sums into products, reshaped outputs; dead nodes go. */

import type { HostArray, Shape } from "../../../graph/dtype.ts";
import type { OnnxAttribute, OnnxGraph, OnnxNode } from "../../../formats/onnx.ts";
import { MICROSOFT } from "./builder.ts";
import type { Dense } from "./view.ts";

type Values = ReadonlyMap<string, Dense>;

const isProduct = ({ opType }: OnnxNode): boolean =>
  opType === "MatMul" || opType === "Gemm" || opType === "FusedMatMul";

/** Names that a node reads, those that its sub-graphs capture included. */
export function readsOf(node: OnnxNode): string[] {
  const inner = Object.values(node.attributes ?? {}).flatMap((attribute) =>
    "g" in attribute
      ? [...attribute.g.nodes.flatMap(readsOf), ...attribute.g.outputs.map(({ name }) => name)]
      : [],
  );
  return [...node.inputs.filter((name) => name !== ""), ...inner];
}

/** The graph without nodes that lead to no output. */
export function withoutDeadNodes(graph: OnnxGraph): OnnxGraph {
  const live = new Set(graph.outputs.map(({ name }) => name));
  const kept: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    kept.push(node);
    for (const name of readsOf(node)) live.add(name);
  }
  const initializers = Object.fromEntries(
    Object.entries(graph.initializers ?? {}).filter(([name]) => live.has(name)),
  );
  return { ...graph, nodes: kept.reverse(), initializers };
}

/** A product times a constant factor, as one node. */
function withFactor(product: OnnxNode, factor: number, output: string, rank: number): OnnxNode {
  const { attributes = {} } = product;
  const alpha = (attributes.alpha as { f: number } | undefined)?.f ?? 1;
  const factors: Record<string, OnnxAttribute> = { alpha: { f: alpha * factor } };
  if (product.inputs.length > 2) factors.beta = { f: factor };
  const isGemm = product.opType === "Gemm" || (product.opType === "MatMul" && rank === 2);
  return {
    ...product,
    opType: isGemm ? "Gemm" : "FusedMatMul",
    ...(isGemm ? {} : { domain: MICROSOFT }),
    attributes: { ...attributes, ...factors },
    outputs: [output],
  };
}

/** Whether ONNX's Gemm can add a value of this shape to a product. */
const fitsGemm = (addend: Shape, [rows, columns]: Shape): boolean => {
  const [m = 1, n = 1] = addend.length === 1 ? [1, addend[0]] : addend;
  return addend.length <= 2 && (m === 1 || m === rows) && (n === 1 || n === columns);
};

/** What the folds know beside the graph. */
export interface Facts {
  /** Values by name; those made by nodes with several outputs are missing. */
  readonly values: ReadonlyMap<string, Dense>;
  /** Constants of the whole model. */
  readonly constants: Readonly<Record<string, HostArray>>;
  readonly portable: boolean;
}

/** A graph with all folds applied and without dead nodes. */
export const foldGraph = (graph: OnnxGraph, facts: Facts): OnnxGraph =>
  withoutDeadNodes(shapeOutputs(foldIntoProducts(withoutDeadNodes(graph), facts), facts));

/** How often each value is read, outputs included. */
function countReaders(graph: OnnxGraph): Map<string, number> {
  const readers = new Map<string, number>();
  const count = (name: string) => readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const { name } of graph.outputs) count(name);
  for (const node of graph.nodes) readsOf(node).forEach(count);
  return readers;
}

/** Folds `c · (A B)` and `A B + c` into the product where nothing else reads it: each saves a pass over the result. */
function foldIntoProducts(graph: OnnxGraph, facts: Facts): OnnxGraph {
  const readers = countReaders(graph);
  const makers = new Map<string, OnnxNode>();
  const soleProduct = (name: string): OnnxNode | undefined => {
    const maker = makers.get(name);
    return maker && isProduct(maker) && readers.get(name) === 1 ? maker : undefined;
  };
  const nodes = graph.nodes.map((node) => {
    const folded = foldFactor(node, soleProduct, facts) ?? foldSum(node, soleProduct, facts) ?? node;
    for (const output of folded.outputs) makers.set(output, folded);
    return folded;
  });
  return { ...graph, nodes };
}

/** Operators whose result has its operands' shape. */
const ELEMENTWISE = new Set(["Add", "Sub", "Mul", "Div", "Sqrt", "Neg", "Abs", "Max", "Min", "Exp"]);

/**
 * Outputs that are reshaped results of elementwise operators are computed in their own shape instead: a Reshape as an
 * output would copy.
 */
function shapeOutputs(graph: OnnxGraph, { values }: Facts): OnnxGraph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const replacements = new Map<OnnxNode, readonly OnnxNode[]>();
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    const maker = makers.get(node.inputs[0]);
    if (node.opType !== "Reshape" || !outputs.has(output) || !maker) continue;
    if (!ELEMENTWISE.has(maker.opType) || replacements.has(maker) || outputs.has(node.inputs[0])) continue;
    const from = values.get(node.inputs[0])!;
    const sizes = maker.inputs.map((name) => values.get(name)?.shape);
    if (!sizes.every((shape) => shape && (shape.length === 0 || sameShape(shape, from.shape)))) continue;
    const before = maker.inputs.flatMap((name, i): OnnxNode[] =>
      sizes[i]!.length === 0
        ? []
        : [{ opType: "Reshape", inputs: [name, node.inputs[1]], outputs: [`${output}_${i}`] }],
    );
    const inputs = maker.inputs.map((name, i) => (sizes[i]!.length === 0 ? name : `${output}_${i}`));
    const shape = before[0].inputs[0];
    void shape;
    replacements.set(maker, [...before, { ...maker, inputs, outputs: [output] }]);
    replacements.set(node, []);
  }
  if (replacements.size === 0) return graph;
  return { ...graph, nodes: graph.nodes.flatMap((node) => replacements.get(node) ?? [node]) };
}

type SoleProduct = (name: string) => OnnxNode | undefined;

function foldFactor(
  node: OnnxNode,
  soleProduct: SoleProduct,
  initializers: Readonly<Record<string, HostArray>>,
  values: Values,
  portable: boolean,
): OnnxNode | undefined {
  if (node.opType !== "Mul") return undefined;
  for (const [name, other] of [node.inputs, [...node.inputs].reverse()]) {
    const factor = initializers[other];
    const product =
      factor?.data.length === 1 && factor.dtype === "float32" ? soleProduct(name) : undefined;
    if (!product) continue;
    const rank = values.get(name)!.shape.length;
    if (rank !== 2 && portable) continue;
    if (values.get(node.outputs[0])!.shape.length !== rank) continue;
    return withFactor(product, Number(factor.data[0]), node.outputs[0], rank);
  }
  return undefined;
}

function foldSum(node: OnnxNode, soleProduct: SoleProduct, values: Values): OnnxNode | undefined {
  if (node.opType !== "Add") return undefined;
  for (const [name, other] of [node.inputs, [...node.inputs].reverse()]) {
    const product = soleProduct(name);
    if (!product || product.opType === "FusedMatMul" || product.inputs.length > 2) continue;
    const { shape, dtype } = values.get(name)!;
    const addend = values.get(other)?.shape;
    if (dtype !== "float32" || shape.length !== 2 || !addend || !fitsGemm(addend, shape)) continue;
    if (values.get(node.outputs[0])!.shape.length !== 2 || name === other) continue;
    return {
      ...product,
      opType: "Gemm",
      inputs: [...product.inputs, other],
      outputs: node.outputs,
    };
  }
  return undefined;
}
