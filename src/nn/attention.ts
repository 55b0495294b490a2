/** @file Multi-head attention with flax's names and layouts. */

import { OcelliError } from "../errors.ts";
import {
  type DType,
  type Tensor,
  add,
  attention,
  attentionWeights,
  convert,
  greaterEqual,
  iota,
  select,
} from "../graph/index.ts";
import { dense } from "./dense.ts";
import { type Initialiser, lecunNormal } from "./initialisers.ts";
import { type NormName, normalisation } from "./norm.ts";
import { type Scope, layer } from "./scope.ts";

/** Options of {@link attend}. */
export interface AttentionOptions {
  readonly heads: number;
  readonly kernelInit?: Initialiser;
  readonly dtype?: DType;
  /** Added to the scores; broadcasts to [batch, heads, queries, keys]. */
  readonly mask?: Tensor;
  /** Whether query, key and value own biases; "no-key": all but the keys, where they change nothing. Default: true. */
  readonly qkvBias?: boolean | "no-key";
  /** Which pairs may attend, bool; broadcasts to [batch, heads, queries, keys]. Default: all. */
  readonly where?: Tensor;
  /** Whether the projection of the result owns a bias. Default: true. */
  readonly outBias?: boolean;
  /** Normalises queries and keys over a head's features (`query_ln`, `key_ln`), which keeps scores bounded. */
  readonly qkNorm?: NormName | false;
}

/** So low a score that nothing else is attended to less; a row of nothing but such scores is still a distribution. */
const lowScore = (dtype: DType): number => (dtype === "float16" ? -6e4 : -1e30);

/** What is added to the scores: a mask, and so low a number elsewhere that only some pairs attend. */
function addendOf(
  { mask, where }: Pick<AttentionOptions, "mask" | "where">,
  dtype: DType,
): Tensor | undefined {
  const low = where && convert(select(where, 0, lowScore(dtype)), dtype);
  return mask && low ? add(mask, low) : (mask ?? low);
}

/** Each position may attend to itself and to those before it, bool [1, 1, length, length]. */
export const causalMask = (length: number): Tensor => {
  const shape = [1, 1, length, length];
  return greaterEqual(iota(shape, "int32", 2), iota(shape, "int32", 3));
};

/** What attention gives, and how it was distributed. */
export interface Attended {
  /** [batch, queries, width]. */
  readonly result: Tensor;
  /** The probabilities, [batch, heads, queries, keys]: computed only in a program that reads them. */
  readonly weights: Tensor;
}

/** Keys and values of what is attended to, [batch, keys, heads, dim] each. */
export interface KeysAndValues {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** The projections of an attention: each by its name, as options have it. */
function projections(
  scope: Scope,
  width: number,
  {
    heads,
    kernelInit = lecunNormal,
    dtype = "float32",
    qkvBias = true,
    qkNorm = false,
  }: AttentionOptions,
) {
  if (width % heads !== 0) {
    throw new OcelliError("shape", `width ${width} does not divide into ${heads} heads.`, {
      given: { width, heads },
    });
  }
  const project = (name: string, from: Tensor): Tensor =>
    dense(scope.at(name), from, [heads, width / heads], {
      ...{ kernelInit, dtype },
      bias: qkvBias === "no-key" ? name !== "key" : qkvBias,
    });
  const normalise = (name: string, z: Tensor): Tensor =>
    qkNorm ? convert(normalisation(qkNorm, scope.at(name), z, { bias: false }), dtype) : z;
  return {
    query: (x: Tensor) => normalise("query_ln", project("query", x)), // [batch, queries, heads, dim]
    key: (x: Tensor) => normalise("key_ln", project("key", x)), // [batch, keys, heads, dim]
    value: (x: Tensor) => project("value", x),
  };
}

/** What queries [batch, queries, heads, dim] take of keys and values, projected to [batch, queries, width]. */
function attended(
  scope: Scope,
  width: number,
  { query, key, value }: KeysAndValues & { readonly query: Tensor },
  { kernelInit = lecunNormal, dtype = "float32", mask, where, outBias = true }: AttentionOptions,
): Attended {
  const addend = addendOf({ mask, where }, dtype);
  const mixed = attention(query, key, value, addend);
  const options = { kernelInit, dtype, axes: 2, bias: outBias };
  return {
    result: dense(scope.at("out"), mixed, width, options),
    weights: attentionWeights(query, key, addend),
  };
}

/**
 * Scaled dot-product attention with projections. x [batch, queries, width], context [batch, keys, width];
 * `query`, `key`, `value` kernels [width, heads, dim], `out` [heads, dim, width] → `result`.
 * Vaswani et al. 2017, arXiv:1706.03762.
 */
export const attend = layer(
  (scope, x: Tensor, context: Tensor, options: AttentionOptions): Attended => {
    const width = x.shape[2];
    const project = projections(scope, width, options);
    const query = project.query(x);
    const key = project.key(context);
    const value = project.value(context);
    return attended(scope, width, { query, key, value }, options);
  },
);

/**
 * The keys and values of a context [batch, keys, channels], as {@link attend} has them: to be kept. `width` is that of
 * what attends.
 */
export const keysAndValues = layer(
  (scope, context: Tensor, width: number, options: AttentionOptions): KeysAndValues => {
    const { key, value } = projections(scope, width, options);
    return { key: key(context), value: value(context) };
  },
);

/** What {@link attend} gives for kept keys and values, [batch, queries, width]. */
export const attendKept = layer(
  (scope, x: Tensor, kept: KeysAndValues, options: AttentionOptions): Tensor => {
    const width = x.shape[2];
    const query = projections(scope, width, options).query(x);
    return attended(scope, width, { query, ...kept }, options).result;
  },
);

/** The result of {@link attend} alone, [batch, queries, width]. */
export const multiHeadAttention = (...args: Parameters<typeof attend>): Tensor =>
  attend(...args).result;
