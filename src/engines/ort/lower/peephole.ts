/** @file Last folds on the ONNX graph: factors and sums into the products that feed them alone; dead nodes go. */

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

/**
 * Folds `c · (A B)` and `A B + c` into the product where nothing else reads it: each saves a pass over the result.
 */
export function foldIntoProducts(graph: OnnxGraph, values: Values, portable = false): OnnxGraph {
  const start = withoutDeadNodes(graph);
  const readers = new Map<string, number>();
  const count = (name: string) => readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const { name } of start.outputs) count(name);
  for (const node of start.nodes) readsOf(node).forEach(count);
  const makers = new Map<string, OnnxNode>();
  const soleProduct = (name: string): OnnxNode | undefined => {
    const maker = makers.get(name);
    return maker && isProduct(maker) && readers.get(name) === 1 ? maker : undefined;
  };
  const nodes: OnnxNode[] = [];
  for (const node of start.nodes) {
    const folded =
      foldFactor(node, soleProduct, start.initializers ?? {}, values, portable) ??
      foldSum(node, soleProduct, values) ??
      node;
    nodes.push(folded);
    for (const output of folded.outputs) makers.set(output, folded);
  }
  return withoutDeadNodes({ ...start, nodes });
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
