/** @file The transformer's feed-forward block. */

import { type DType, type Tensor, gelu, logistic, mul, split } from "../graph/index.ts";
import { dense } from "./dense.ts";
import { dropout } from "./dropout.ts";
import { normal, xavierUniform } from "./initialisers.ts";
import { layer } from "./scope.ts";

/** Options of {@link mlpBlock}. */
export interface MlpOptions {
  /** The width in between. Default: four times the input's. */
  readonly hidden?: number;
  readonly dropout?: number;
  /** Default: GELU in its tanh form. */
  readonly activation?: (x: Tensor) => Tensor;
  readonly dtype?: DType;
  /** Whether its layers have biases. Default: true. */
  readonly bias?: boolean;
}

/** Dense, GELU, dropout, dense back to the input's width. x [batch, tokens, width]. */
export const mlpBlock = layer(
  (
    scope,
    x: Tensor,
    { hidden, dropout: rate = 0, activation = gelu, dtype, bias }: MlpOptions = {},
  ): Tensor => {
    const width = x.shape.at(-1)!;
    const options = { kernelInit: xavierUniform, biasInit: normal(1e-6), dtype, bias };
    const inner = activation(dense(scope.at("Dense_0"), x, hidden ?? 4 * width, options));
    const kept = dropout(scope.at("Dropout_0"), inner, rate); // [batch, tokens, hidden]
    return dense(scope.at("Dense_1"), kept, width, options);
  },
);

/**
 * SwiGLU: one dense layer to twice the hidden width, SiLU of its first half times the second, dense back to the input's
 * width. x [batch, tokens, width]. Shazeer 2020, arXiv:2002.05202.
 */
export const swiGluBlock = layer(
  (
    scope,
    x: Tensor,
    { hidden, dropout: rate = 0, dtype }: Omit<MlpOptions, "activation"> = {},
  ): Tensor => {
    const width = x.shape.at(-1)!;
    const options = { kernelInit: xavierUniform, dtype };
    const both = dense(scope.at("Dense_0"), x, 2 * (hidden ?? 4 * width), options);
    const [gate, value] = split(both, 2, -1);
    const inner = mul(mul(gate, logistic(gate)), value);
    return dense(scope.at("Dense_1"), dropout(scope.at("Dropout_0"), inner, rate), width, options);
  },
);
