/** @file NumPy broadcasting over the explicit `broadcastInDim`, and scalars that take a tensor's dtype. */

import { OcelliError } from "../../errors.ts";
import { type DType, type Shape, isFloat, sameShape } from "../dtype.ts";
import { type BatchContext, type Spec, Tensor, dtypeError, shapeError } from "../tensor.ts";
import { scalar } from "./constant.ts";
import { broadcastInDim } from "./stretch.ts";

/** A tensor, or a number or boolean that takes the dtype of the tensor beside it. */
export type TensorLike = Tensor | number | boolean;

/** The shape that several shapes broadcast to (NumPy's rule: aligned at the end, 1 stretches). */
export function broadcastShape(operation: string, specs: readonly Spec[]): Shape {
  const rank = Math.max(...specs.map(({ shape }) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const { shape } of specs) {
    shape.forEach((extent, i) => {
      const at = i + rank - shape.length;
      if (extent === 1) return;
      if (result[at] !== 1 && result[at] !== extent) {
        throw shapeError(operation, specs, "shapes do not broadcast");
      }
      result[at] = extent;
    });
  }
  return result;
}

/** Stretches a tensor to a shape by NumPy's rule; an error where it does not fit. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const offset = shape.length - x.rank;
  if (offset < 0 || x.shape.some((extent, i) => extent !== 1 && extent !== shape[i + offset])) {
    throw shapeError("broadcastTo", [x], `does not broadcast to [${shape}]`);
  }
  const axes = x.shape.map((_, i) => i + offset);
  return broadcastInDim(x, shape, axes);
}

/** Two operands as tensors of one shape: a number takes the other's dtype, shapes broadcast. */
export function promote(operation: string, x: TensorLike, y: TensorLike): [Tensor, Tensor] {
  if (!(x instanceof Tensor) && !(y instanceof Tensor)) {
    throw new OcelliError("argument", `${operation} needs at least one tensor.`, { given: [x, y] });
  }
  const a = x instanceof Tensor ? x : asScalar(operation, x, y as Tensor);
  const b = y instanceof Tensor ? y : asScalar(operation, y, a);
  if (a.shape === b.shape || sameShape(a.shape, b.shape)) return [a, b];
  const shape = broadcastShape(operation, [a, b]);
  return [broadcastTo(a, shape), broadcastTo(b, shape)];
}

const RANGE: Partial<Record<DType, readonly [low: number, high: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint8: [0, 255],
  bool: [0, 1],
};

function asScalar(operation: string, value: unknown, like: Tensor): Tensor {
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw new OcelliError(
      "argument",
      `${operation} takes tensors and numbers, not ${value === null ? "null" : typeof value}.`,
      { given: value },
    );
  }
  const { dtype } = like;
  const [low, high] = RANGE[dtype] ?? [-Infinity, Infinity];
  const fits =
    isFloat(dtype) || (Number.isInteger(Number(value)) && +value >= low && +value <= high);
  if (!fits) {
    throw dtypeError(operation, [like], `${value} is no ${dtype}; convert the tensor first`);
  }
  return scalar(value, dtype);
}

/** For batching rules: unbatched operands stretched over the leading batch axis. */
export const broadcastBatch = ({ inputs, batched, size }: BatchContext<unknown>): Tensor[] =>
  inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape])));
