/**
 * @file ONNX models as plain values; `onnx-encode.ts` writes them, `onnx-decode.ts` describes one.
 * @see https://onnx.ai/onnx/repo-docs/IR.html
 */

import type { DType, HostArray } from "../graph/dtype.ts";

/** A node's attribute; the key says its ONNX type, since 1 may be an integer or a float. */
export type OnnxAttribute =
  | { readonly i: number | bigint }
  | { readonly f: number }
  | { readonly s: string }
  | { readonly t: HostArray }
  | { readonly g: OnnxGraph }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] };

/** One application of an operator; an empty input or output name is an omitted one. */
export interface OnnxNode {
  readonly opType: string;
  /** The operator set. Default: ONNX's own. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly name?: string;
}

/** A value's name and type; a dimension is an extent or a symbol, no shape is an unknown rank. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape?: readonly (number | string)[];
}

/** A graph, or the sub-graph of an attribute. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly initializers?: Readonly<Record<string, HostArray>>;
  /** Types of values in between, where they help a reader. */
  readonly values?: readonly OnnxValueInfo[];
}

/** A model. */
export interface OnnxModel {
  readonly irVersion: number;
  /** Operator set versions by domain; "" is ONNX's own. */
  readonly opsetImports: Readonly<Record<string, number>>;
  readonly graph: OnnxGraph;
  readonly producer?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** ONNX's numbers of element types (TensorProto.DataType). */
export const ONNX_DTYPES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  bfloat16: 16,
};

const DTYPES = new Map(
  Object.entries(ONNX_DTYPES).map(([dtype, code]) => [code, dtype as DType] as const),
);

/** The type of one of ONNX's numbers; undefined for those that we do not have. */
export const dtypeOfOnnx = (code: number): DType | undefined => DTYPES.get(code);
