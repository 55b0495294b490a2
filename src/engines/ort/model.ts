/** @file ONNX models around lowered graphs. */

import type { OnnxGraph, OnnxModel } from "../../formats/onnx.ts";
import { MICROSOFT } from "./lower/builder.ts";

/** The operator set that lowerings are written for. */
const OPSET = 21;
const IR_VERSION = 10;

/** The model of a graph. */
export const modelOf = (
  graph: OnnxGraph,
  metadata?: Readonly<Record<string, string>>,
): OnnxModel => ({
  irVersion: IR_VERSION,
  opsetImports: {
    "": OPSET,
    ...(graph.nodes.some(({ domain }) => domain === MICROSOFT) ? { [MICROSOFT]: 1 } : {}),
  },
  graph,
  ...(metadata ? { metadata } : {}),
});
