/** @file Factors and sums fold into the matrix products that alone feed them. */

import type { Shape } from "../../../../graph/dtype.ts";
import type { OnnxAttribute, OnnxGraph, OnnxNode } from "../../../../formats/onnx.ts";
import { MICROSOFT } from "../builder.ts";
import { type Facts, countReaders } from "./graph-facts.ts";

const isProduct = ({ opType }: OnnxNode): boolean =>
  opType === "MatMul" || opType === "Gemm" || opType === "FusedMatMul";

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

/** Folds `c · (A B)` and `A B + c` into the product where nothing else reads it: each saves a pass over the result. */
export function foldIntoProducts(graph: OnnxGraph, facts: Facts): OnnxGraph {
  const readers = countReaders(graph);
  const makers = new Map<string, OnnxNode>();
  const soleProduct = (name: string): OnnxNode | undefined => {
    const maker = makers.get(name);
    return maker && isProduct(maker) && readers.get(name) === 1 ? maker : undefined;
  };
  const nodes = graph.nodes.map((node) => {
    const folded =
      foldFactor(node, soleProduct, facts) ?? foldSum(node, soleProduct, facts) ?? node;
    for (const output of folded.outputs) makers.set(output, folded);
    return folded;
  });
  return { ...graph, nodes };
}

type SoleProduct = (name: string) => OnnxNode | undefined;

function foldFactor(
  node: OnnxNode,
  soleProduct: SoleProduct,
  { values, constants, fusesProducts }: Facts,
): OnnxNode | undefined {
  if (node.opType !== "Mul") return undefined;
  for (const [name, other] of [node.inputs, [...node.inputs].reverse()]) {
    const factor = constants[other];
    const isNumber = factor?.data.length === 1 && factor.dtype === "float32";
    const product = isNumber ? soleProduct(name) : undefined;
    if (!product) continue;
    const rank = values.get(name)!.shape.length;
    if (rank !== 2 && !fusesProducts) continue;
    if (values.get(node.outputs[0])!.shape.length !== rank) continue;
    return withFactor(product, Number(factor.data[0]), node.outputs[0], rank);
  }
  return undefined;
}

function foldSum(
  node: OnnxNode,
  soleProduct: SoleProduct,
  { values }: Facts,
): OnnxNode | undefined {
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
