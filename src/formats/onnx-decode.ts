/**
 * @file What a caller must know of an ONNX model to run it: its inputs, outputs, operator sets and metadata. Weights and
 * nodes are passed over; only their number and their depth are checked, so that what opens the model next can.
 */

import { fromBinary } from "@bufbuild/protobuf";
import {
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import type { TensorShapeProto, ValueInfoProto } from "onnx-buf";
import { OcelliError } from "../errors.ts";
import { Budget, checkName } from "./budget.ts";
import { decodeUtf8, formatError, guard } from "./bytes.ts";
import { ONNX_DTYPES, dtypeOfOnnx } from "./onnx.ts";
import type { OnnxValueInfo } from "./onnx.ts";
import { messageFields } from "./protobuf-fields.ts";

/** The outside of an ONNX model. */
export interface OnnxDescription {
  readonly irVersion: number;
  readonly producer: string;
  /** Operator set versions by domain; "" is ONNX's own. */
  readonly opsetImports: Record<string, number>;
  /** What must be fed: the graph's inputs that are not initializers; an unknown dimension is "?". */
  readonly inputs: OnnxValueInfo[];
  readonly outputs: OnnxValueInfo[];
  readonly metadata: Record<string, string>;
}

/** Numbers of fields in ONNX's messages. */
const MODEL = { irVersion: 1, producer: 2, graph: 7, opsetImport: 8, metadata: 14 } as const;
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 } as const;
const NODE = { attribute: 5 } as const;
const ATTRIBUTE = { graph: 6, graphs: 11 } as const;
const TENSOR = { name: 8 } as const;

/** Nodes, attributes, weights, inputs and outputs of a model: a layer has some ten. */
const MAX_PARTS = 1 << 18;
/** Graphs in attributes of nodes of graphs. */
const MAX_DEPTH = 8;
/** Bytes of one entry of the metadata; a list of names may be long. */
const MAX_TEXT = 1 << 25;

const WHAT = "ONNX model";

/** The description of a model's bytes; inputs or outputs that are no tensors of our types are unsupported. */
export function decodeModel(bytes: Uint8Array): OnnxDescription {
  return guard(WHAT, () => {
    const budget = new Budget(WHAT, { items: MAX_PARTS });
    const opsetImports: [string, number][] = [];
    const metadata: [string, string][] = [];
    let graph: Uint8Array | undefined;
    let irVersion = 0;
    let producer = "";
    for (const { field, bytes: part, integer } of messageFields(bytes)) {
      budget.takeItems(1);
      if (field === MODEL.irVersion && integer !== undefined) irVersion = integer;
      if (!part) continue;
      if (field === MODEL.producer) producer = checkName(decodeUtf8(part, WHAT), WHAT);
      else if (field === MODEL.graph) {
        if (graph) throw formatError(`${WHAT}: it has two graphs.`);
        graph = part;
      } else if (field === MODEL.opsetImport) {
        const { domain, version } = fromBinary(OperatorSetIdProtoSchema, part);
        opsetImports.push([checkName(domain, WHAT), Number(version)]);
      } else if (field === MODEL.metadata) {
        if (part.length > MAX_TEXT) throw formatError(`${WHAT}: its metadata are too large.`);
        const { key, value } = fromBinary(StringStringEntryProtoSchema, part);
        metadata.push([checkName(key, WHAT), value]);
      }
    }
    if (!graph) throw formatError(`${WHAT}: it has no graph.`);
    const { inputs, outputs, initialized } = readGraph(graph, budget);
    return {
      irVersion,
      producer,
      opsetImports: Object.fromEntries(opsetImports),
      inputs: inputs.filter(({ name }) => !initialized.has(name)).map(readValueInfo),
      outputs: outputs.map(readValueInfo),
      metadata: Object.fromEntries(metadata),
    };
  });
}

/** A graph's inputs and outputs, and the names of its weights; what lies in its nodes is counted. */
function readGraph(bytes: Uint8Array, budget: Budget) {
  const inputs: ValueInfoProto[] = [];
  const outputs: ValueInfoProto[] = [];
  const initialized = new Set<string>();
  for (const { field, bytes: part } of messageFields(bytes)) {
    budget.takeItems(1);
    if (!part) continue;
    if (field === GRAPH.node) countNode(part, budget, 1);
    else if (field === GRAPH.initializer) initialized.add(tensorName(part));
    else if (field === GRAPH.input) inputs.push(readInfo(part, budget));
    else if (field === GRAPH.output) outputs.push(readInfo(part, budget));
  }
  return { inputs, outputs, initialized };
}

function readInfo(part: Uint8Array, budget: Budget): ValueInfoProto {
  budget.takeItems(part.length); // a dimension takes a few bytes
  const info = fromBinary(ValueInfoProtoSchema, part);
  checkName(info.name, WHAT);
  return info;
}

function tensorName(bytes: Uint8Array): string {
  for (const { field, bytes: part } of messageFields(bytes)) {
    if (field === TENSOR.name && part) return checkName(decodeUtf8(part, WHAT), WHAT);
  }
  return "";
}

/** Counts a node's parts and those of the graphs in its attributes. */
function countNode(bytes: Uint8Array, budget: Budget, depth: number): void {
  for (const { field, bytes: attribute } of messageFields(bytes)) {
    budget.takeItems(1);
    if (field !== NODE.attribute || !attribute) continue;
    for (const { field: kind, bytes: graph } of messageFields(attribute)) {
      if ((kind !== ATTRIBUTE.graph && kind !== ATTRIBUTE.graphs) || !graph) continue;
      if (depth >= MAX_DEPTH) throw formatError(`${WHAT}: its graphs are nested too deeply.`);
      for (const { field: part, bytes: node } of messageFields(graph)) {
        budget.takeItems(1);
        if (part === GRAPH.node && node) countNode(node, budget, depth + 1);
      }
    }
  }
}

function readValueInfo({ name, type }: ValueInfoProto): OnnxValueInfo {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  const dtype = dtypeOfOnnx(tensor?.elemType ?? 0);
  if (!tensor || !dtype) {
    throw new OcelliError(
      "unsupported",
      `ONNX model: "${name}" is no tensor of a supported type.`,
      {
        given: tensor?.elemType ?? type?.value.case,
        valid: Object.keys(ONNX_DTYPES),
      },
    );
  }
  return tensor.shape ? { name, dtype, shape: readShape(tensor.shape) } : { name, dtype };
}

function readShape({ dim }: TensorShapeProto): (number | string)[] {
  return dim.map(({ value }) => {
    if (value.case !== "dimValue") return value.value || "?";
    return value.value >= 0n ? Number(value.value) : "?"; // some exporters write -1
  });
}
