/** @file Small ONNX models for this folder's tests. */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import type { DType, HostArray, Shape } from "../../../graph/dtype.ts";
import { ONNX_DTYPES } from "../../../formats/onnx.ts";

type Attribute = number | string | readonly number[] | { readonly float: number };

/** `[operator, inputs, outputs, attributes, domain]`, integers unless given as `{ float }`. */
export type TestNode = readonly [
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: Readonly<Record<string, Attribute>>,
  domain?: string,
];

export interface TestGraph {
  readonly inputs: Readonly<Record<string, readonly [DType, Shape]>>;
  readonly outputs: Readonly<Record<string, readonly [DType, Shape]>>;
  readonly nodes: readonly TestNode[];
  readonly constants?: Readonly<Record<string, HostArray>>;
}

/** The bytes of a model, opset 20. */
export function testModel({ inputs, outputs, nodes, constants = {} }: TestGraph): Uint8Array {
  const values = (named: TestGraph["inputs"]) =>
    Object.entries(named).map(([name, [dtype, shape]]) =>
      create(ValueInfoProtoSchema, {
        name,
        type: {
          value: {
            case: "tensorType",
            value: {
              elemType: ONNX_DTYPES[dtype],
              shape: {
                dim: shape.map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } })),
              },
            },
          },
        },
      }),
    );
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: "", version: 20n },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: "test",
      input: values(inputs),
      output: values(outputs),
      node: nodes.map(([opType, input, output, attributes = {}, domain = ""], i) =>
        create(NodeProtoSchema, {
          name: `n${i}`,
          opType,
          domain,
          input: [...input],
          output: [...output],
          attribute: Object.entries(attributes).map(attribute),
        }),
      ),
      initializer: Object.entries(constants).map(([name, { shape, dtype, data }]) =>
        create(TensorProtoSchema, {
          name,
          dims: shape.map(BigInt),
          dataType: ONNX_DTYPES[dtype],
          rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
        }),
      ),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function attribute([name, value]: [string, Attribute]) {
  if (typeof value === "number") {
    return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) });
  }
  if (typeof value === "string") {
    return create(AttributeProtoSchema, { name, type: Kind.STRING, s: Buffer.from(value) });
  }
  if ("float" in value) {
    return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: value.float });
  }
  return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: value.map(BigInt) });
}

/** `y = f(x)` for one operator on one input. */
export const unaryModel = (op: string, dtype: DType, shape: Shape): Uint8Array =>
  testModel({
    inputs: { x: [dtype, shape] },
    outputs: { y: [dtype, shape] },
    nodes: [[op, ["x"], ["y"]]],
  });
