/** @file StableHLO's textual forms of types, numbers and attributes. */

import { type DType, type HostArray, byteSize, sizeOf } from "../../../graph/dtype.ts";
import type { Spec } from "../../../graph/tensor.ts";
import type { Mesh, Placement } from "../../mesh.ts";

const ELEMENT_TYPES: Readonly<Record<DType, string>> = {
  float32: "f32",
  bfloat16: "bf16",
  float16: "f16",
  float64: "f64",
  int32: "i32",
  uint32: "ui32",
  uint8: "ui8",
  bool: "i1",
  int64: "i64",
};

/** `tensor<2x3xf32>`. */
export const typeOf = ({ shape, dtype }: Spec): string =>
  `tensor<${shape.map((n) => `${n}x`).join("")}${ELEMENT_TYPES[dtype]}>`;

/** `array<i64: 1, 2>`. */
export const i64s = (values: readonly number[]): string =>
  values.length === 0 ? "array<i64>" : `array<i64: ${values.join(", ")}>`;

/** `3 : i64`. */
export const i64 = (value: number): string => `${value} : i64`;

/** `[1, 2]`. */
export const list = (values: readonly (number | string)[]): string => `[${values.join(", ")}]`;

/** Pairs as a matrix attribute: `dense<[[1, 2]]> : tensor<1x2xi64>`. */
export const pairs = (values: readonly (readonly number[])[]): string =>
  values.length === 0
    ? "dense<> : tensor<0x2xi64>"
    : `dense<${list(values.map(list))}> : tensor<${values.length}x2xi64>`;

/** A quoted string. */
export const quote = (value: string): string => JSON.stringify(value);

/** `dense<…>` for an array; elements go by their bits, so that every number is exact. bool has no such form. */
export function denseLiteral({ shape, dtype, data }: HostArray): string {
  const size = sizeOf(shape);
  const type = typeOf({ shape, dtype });
  if (size === 0) return `dense<> : ${type}`;
  if (dtype === "bool") {
    if (size > 1) throw new Error("bool literals are single");
    return `dense<${data[0] ? "true" : "false"}> : ${type}`;
  }
  const { buffer, byteOffset, byteLength } = data;
  const hex = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex");
  const digits = 2 * byteSize(dtype);
  const first = hex.slice(0, digits);
  const same = hex === first.repeat(size);
  return `dense<"0x${(same ? first : hex).toUpperCase()}"> : ${type}`;
}

/** Shardy's form of a mesh: `<["data"=4, "model"=2]>`. */
export const meshAttribute = (mesh: Mesh): string =>
  `<${list(Object.entries(mesh).map(([axis, size]) => `${quote(axis)}=${size}`))}>`;

/** Shardy's form of a placement: `#sdy.sharding<@mesh, [{"data"}, {}]>`. */
export const shardingAttribute = (placement: Placement): string =>
  `#sdy.sharding<@mesh, ${list(placement.map((axes) => `{${axes.map(quote).join(", ")}}`))}>`;
