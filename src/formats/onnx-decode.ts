/** @file What a caller must know of an ONNX model to run it: its inputs, outputs, operator sets and metadata. */

import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import type { TensorShapeProto, ValueInfoProto } from "onnx-buf";
import { OcelliError } from "../errors.ts";
import type { DType } from "../graph/dtype.ts";
import { formatError, guard } from "./bytes.ts";
import { ONNX_DTYPES } from "./onnx.ts";
import type { OnnxValueInfo } from "./onnx.ts";

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

const DTYPE_OF = new Map(
  Object.entries(ONNX_DTYPES).map(([dtype, code]) => [code, dtype as DType]),
);

/** The description of a model's bytes; inputs or outputs that are no tensors of our types are unsupported. */
export function decodeModel(bytes: Uint8Array): OnnxDescription {
  return guard("ONNX model", () => {
    const model = fromBinary(ModelProtoSchema, bytes);
    const { graph } = model;
    if (!graph) throw formatError("ONNX model: it has no graph.");
    const initialized = new Set(graph.initializer.map(({ name }) => name));
    return {
      irVersion: Number(model.irVersion),
      producer: model.producerName,
      opsetImports: Object.fromEntries(
        model.opsetImport.map(({ domain, version }) => [domain, Number(version)]),
      ),
      inputs: graph.input.filter(({ name }) => !initialized.has(name)).map(readValueInfo),
      outputs: graph.output.map(readValueInfo),
      metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    };
  });
}

function readValueInfo({ name, type }: ValueInfoProto): OnnxValueInfo {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  const dtype = DTYPE_OF.get(tensor?.elemType ?? 0);
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
