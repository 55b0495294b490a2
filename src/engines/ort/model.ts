/** @file ONNX models around lowered graphs. */

import type { OnnxGraph, OnnxModel } from "../../formats/onnx.ts";
import { MICROSOFT } from "./lower/builder.ts";
import { BLOCKED } from "./lower/planes.ts";

/** The operator set that lowerings are written for. */
const OPSET = 21;
const IR_VERSION = 10;

/** Whether a graph, or one inside it, has operators of a domain. */
const usesDomain = ({ nodes }: OnnxGraph, own: string): boolean =>
  nodes.some(
    ({ domain, attributes = {} }) =>
      domain === own || Object.values(attributes).some((a) => "g" in a && usesDomain(a.g, own)),
  );

/** The model of a graph. */
export const modelOf = (
  graph: OnnxGraph,
  metadata?: Readonly<Record<string, string>>,
): OnnxModel => ({
  irVersion: IR_VERSION,
  opsetImports: {
    "": OPSET,
    ...Object.fromEntries(
      [MICROSOFT, BLOCKED].filter((own) => usesDomain(graph, own)).map((own) => [own, 1]),
    ),
  },
  graph,
  ...(metadata ? { metadata } : {}),
});
