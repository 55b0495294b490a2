/** @file Constants and iota: the tensors that need no input. */

import { type DType, type HostArray, type Shape, fromNumbers, stridesOf } from "../dtype.ts";
import {
  type Primitive,
  type Spec,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
  specOf,
} from "../tensor.ts";
import { decode, roundValue, zerosValue } from "../values.ts";
import { broadcastInDim } from "./stretch.ts";

const constantP: Primitive<"constant", { value: HostArray }> = {
  name: "constant",
  infer: (_inputs, { value }) => [specOf(value)],
  gradient: "none",
  batch: ({ attrs, size }) => [repeated(emitOne(constantP, [], attrs), size)],
  interpret: (_inputs, { value }) => [decode(value)],
  flops: () => 0,
};

const iotaP: Primitive<"iota", { shape: Shape; dtype: DType; axis: number }> = {
  name: "iota",
  infer(_inputs, { shape, dtype, axis }) {
    if (dtype === "bool") throw dtypeError("iota", [], "counts numbers, not bool");
    if (!(axis >= 0 && axis < shape.length)) {
      throw shapeError("iota", [], `axis ${axis} is not an axis of [${shape}]`);
    }
    return [{ shape, dtype }];
  },
  gradient: "none",
  batch: ({ attrs, size }) => [repeated(emitOne(iotaP, [], attrs), size)],
  interpret(_inputs, { shape, dtype, axis }) {
    const value = zerosValue(shape, dtype);
    const stride = stridesOf(shape)[axis];
    for (let i = 0; i < value.data.length; i++) {
      value.data[i] = Math.floor(i / stride) % shape[axis];
    }
    return [roundValue(value)];
  },
  flops: () => 0,
};

/** The same for every row of a batch. */
const repeated = (x: Tensor, size: number): Tensor =>
  broadcastInDim(
    x,
    [size, ...x.shape],
    x.shape.map((_, i) => i + 1),
  );

/** The primitives without inputs, by name. */
export const constantPrimitives = { constant: constantP, iota: iotaP };

/** A tensor of given data. */
export const constant = (value: HostArray): Tensor => emitOne(constantP, [], { value });

/** A scalar constant. */
export const scalar = (value: number | boolean, dtype: DType = "float32"): Tensor =>
  constant(fromNumbers([Number(value)], [], dtype));

/** A tensor filled with one value. */
export const full = (shape: Shape, value: number | boolean, dtype: DType = "float32"): Tensor =>
  shape.length === 0 ? scalar(value, dtype) : broadcastInDim(scalar(value, dtype), shape, []);

/** Zeros (float32 unless said). */
export const zeros = (shape: Shape, dtype: DType = "float32"): Tensor => full(shape, 0, dtype);

/** Ones (float32 unless said). */
export const ones = (shape: Shape, dtype: DType = "float32"): Tensor => full(shape, 1, dtype);

/** One value in the shape and dtype of another tensor. */
export const constantLike = ({ shape, dtype }: Spec, value: number): Tensor =>
  full(shape, value, dtype);

/** Zeros in the shape and dtype of another tensor. */
export const zerosLike = (like: Spec): Tensor => constantLike(like, 0);

/** Ones in the shape and dtype of another tensor. */
export const onesLike = (like: Spec): Tensor => constantLike(like, 1);

/** Index numbers along one axis, constant along the others. */
export const iota = (shape: Shape, dtype: DType = "int32", axis = 0): Tensor =>
  emitOne(iotaP, [], { shape, dtype, axis });

/** 0, 1, …, n − 1. */
export const arange = (n: number, dtype: DType = "int32"): Tensor => iota([n], dtype);

/** Nested numbers or booleans, as deep as the tensor's rank. */
export type Nested = number | boolean | readonly Nested[];

/** A constant from nested numbers: `tensor([[1, 2], [3, 4]])`; booleans make a bool tensor. */
export function tensor(values: Nested, dtype?: DType): Tensor {
  const shape: number[] = [];
  for (let level: Nested = values; Array.isArray(level); level = level[0] as Nested) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const flat: (number | boolean)[] = [];
  const visit = (level: Nested, depth: number): void => {
    const extent = Array.isArray(level) ? level.length : undefined;
    if (extent !== shape[depth]) {
      throw shapeError(
        "tensor",
        [],
        `ragged values: extent ${extent} where [${shape}] was expected`,
      );
    }
    if (Array.isArray(level)) level.forEach((item) => visit(item as Nested, depth + 1));
    else flat.push(level as number | boolean);
  };
  visit(values, 0);
  const isBool = typeof flat[0] === "boolean";
  return constant(fromNumbers(flat.map(Number), shape, dtype ?? (isBool ? "bool" : "float32")));
}
