/** @file The weights of an ONNX model by their names. */

import { fromBinary } from "@bufbuild/protobuf";
import { TensorProtoSchema } from "onnx-buf";
import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { Budget, checkName } from "./budget.ts";
import { arrayFromBytes, formatError, guard } from "./bytes.ts";
import { dtypeOfOnnx } from "./onnx.ts";
import { messageFields } from "./protobuf-fields.ts";

/** Numbers of fields in ONNX's messages. */
const GRAPH_OF_MODEL = 7;
const INITIALIZER_OF_GRAPH = 5;
/** Parts of a model and of its graph. */
const MAX_PARTS = 1 << 18;

const WHAT = "ONNX model";

/**
 * The initializers of a model's graph, views of its bytes where these are aligned.
 *
 * @throws an "unsupported" error where one lies in another file or is of a type that we do not have
 */
export function decodeWeights(bytes: Uint8Array): Record<string, HostArray> {
  return guard(WHAT, () => {
    const budget = new Budget(WHAT, { items: MAX_PARTS });
    const weights: [string, HostArray][] = [];
    for (const { field, bytes: graph } of messageFields(bytes)) {
      budget.takeItems(1);
      if (field !== GRAPH_OF_MODEL || !graph) continue;
      for (const { field: kind, bytes: tensor } of messageFields(graph)) {
        budget.takeItems(1);
        if (kind === INITIALIZER_OF_GRAPH && tensor) weights.push(readTensor(tensor));
      }
    }
    return Object.fromEntries(weights);
  });
}

function readTensor(bytes: Uint8Array): [string, HostArray] {
  const { name, dims, dataType, rawData, externalData } = fromBinary(TensorProtoSchema, bytes);
  checkName(name, WHAT);
  const dtype = dtypeOfOnnx(dataType);
  if (externalData.length > 0 || !dtype) {
    const why = dtype ? "lies in another file" : `has the type ${dataType}`;
    throw new OcelliError("unsupported", `${WHAT}: its weight "${name}" ${why}.`);
  }
  const shape = dims.map(Number);
  if (rawData.length === 0 && !shape.includes(0)) {
    throw formatError(`${WHAT}: its weight "${name}" is not stored as raw bytes.`);
  }
  return [name, arrayFromBytes(rawData, shape, dtype, `${WHAT}: ${name}`)];
}
