/** @file The linear layer over any number of input and output axes. */

import {
  type DType,
  type Tensor,
  add,
  broadcastTo,
  convert,
  dotGeneral,
  sizeOf,
} from "../graph/index.ts";
import { type Initialiser, asMatrix, lecunNormal, zerosInit } from "./initialisers.ts";
import { layer } from "./scope.ts";

/** Options of {@link dense}. */
export interface DenseOptions {
  /** How many trailing axes of the input are contracted. Default: 1. */
  readonly axes?: number;
  readonly bias?: boolean;
  readonly kernelInit?: Initialiser;
  readonly biasInit?: Initialiser;
  /** The dtype of the product and the result. Default: float32. Parameters are float32 always. */
  readonly dtype?: DType;
}

/**
 * x · kernel + bias. x [..., in…], `kernel` [in…, out…], `bias` [out…] → [..., out…].
 *
 * @param features the extent of the output axis, or of several
 */
export const dense = layer(
  (
    scope,
    x: Tensor,
    features: number | readonly number[],
    {
      axes = 1,
      bias = true,
      kernelInit = lecunNormal,
      biasInit = zerosInit,
      dtype = "float32",
    }: DenseOptions = {},
  ): Tensor => {
    const outputs = typeof features === "number" ? [features] : features;
    const lead = x.rank - axes;
    const inputs = x.shape.slice(lead);
    const kernel = scope.param("kernel", asMatrix(kernelInit, sizeOf(inputs), sizeOf(outputs)), [
      ...inputs,
      ...outputs,
    ]);
    const own = dotGeneral(convert(x, dtype), convert(kernel, dtype), {
      lhsContract: inputs.map((_, i) => lead + i),
      rhsContract: inputs.map((_, i) => i),
    });
    const addend = scope.addend?.(scope, x, { inputs, outputs, dtype });
    const product = addend ? add(own, addend) : own;
    if (!bias) return product;
    const offset = convert(scope.param("bias", biasInit, outputs), dtype);
    return add(product, broadcastTo(offset, product.shape));
  },
);
