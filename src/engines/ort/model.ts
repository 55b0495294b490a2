/** @file ONNX models around lowered graphs. */

import type { OnnxGraph, OnnxModel } from "../../formats/onnx.ts";
import type { OnnxEncoding } from "../../formats/onnx-encode.ts";
import { MICROSOFT } from "./lower/builder.ts";
import { BLOCKED } from "./lower/images/planes.ts";

/** The operator set that lowerings are written for. */
const OPSET = 21;
const IR_VERSION = 10;

/** Constants of this many bytes together leave the model's bytes, which end at 2 GB. */
const EXTERNAL_FROM = 1.5 * 2 ** 30;
/** Which of them: those of at least this many bytes. */
const EXTERNAL_THRESHOLD = 1 << 20;

/** How large constants of a graph leave its model's bytes; undefined where they need not. */
export function externalEncoding({ initializers = {} }: OnnxGraph): OnnxEncoding | undefined {
  const bytes = Object.values(initializers).reduce((sum, { data }) => sum + data.byteLength, 0);
  return bytes < EXTERNAL_FROM ? undefined : { externalThreshold: EXTERNAL_THRESHOLD };
}

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
