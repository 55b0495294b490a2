/** @file Random numbers from explicit keys; the same streams as jax.random (partitionable Threefry). */

import { OcelliError } from "../errors.ts";
import { type DType, type Shape, fromNumbers, nextFloat32, sameShape, sizeOf } from "./dtype.ts";
import {
  bitwiseAnd,
  bitwiseXor,
  clip,
  logicalAnd,
  maximum,
  rem,
  shiftRightLogical,
} from "./ops/binary.ts";
import { add, div, mul, sub, neg, square } from "./ops/arithmetic.ts";
import { broadcastTo } from "./ops/broadcast.ts";
import { constant, full, iota, scalar, zeros } from "./ops/constant.ts";
import { takeAlongAxis } from "./ops/gather.ts";
import { threefry2x32 } from "./ops/random.ts";
import { argMax } from "./ops/reduce.ts";
import { convert, equal, greater, less, select } from "./ops/select.ts";
import { axisOf, reshape, squeeze } from "./ops/shape.ts";
import { indexAxis, stack } from "./ops/slice.ts";
import { sortWith } from "./ops/sort.ts";
import { abs, erf, log, log1p, logistic, sqrt } from "./ops/unary.ts";
import { Tensor, dtypeError, shapeError } from "./tensor.ts";

/** A key of two uint32 words from a seed. */
export function randomKey(seed: number): Tensor {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OcelliError("argument", `a seed is a whole number from 0 to 2^53 − 1, not ${seed}.`);
  }
  return constant(fromNumbers([Math.floor(seed / 2 ** 32), seed % 2 ** 32], [2], "uint32"));
}

/** Both output words for the counters 0 … n − 1. */
function words(key: Tensor, shape: Shape): [Tensor, Tensor] {
  if (key.dtype !== "uint32" || String(key.shape) !== "2") {
    throw dtypeError("random", [key], "a key is uint32[2]; make one with randomKey(seed)");
  }
  const n = sizeOf(shape);
  const word = (i: number) => broadcastTo(indexAxis(key, 0, i), [n]);
  const low = n === 0 ? zeros([0], "uint32") : iota([n], "uint32");
  const [a, b] = threefry2x32(word(0), word(1), zeros([n], "uint32"), low);
  return [reshape(a, shape), reshape(b, shape)];
}

/** n independent keys. */
export function splitKey(key: Tensor, n = 2): Tensor[] {
  const pairs = stack(words(key, [n]), 1);
  return Array.from({ length: n }, (_, i) => indexAxis(pairs, 0, i));
}

/** A key derived from another and a number (an int constant or an integer scalar). */
export function foldIn(key: Tensor, data: number | Tensor): Tensor {
  const value = data instanceof Tensor ? convert(data, "uint32") : scalar(data, "uint32");
  const [a, b] = threefry2x32(
    indexAxis(key, 0, 0),
    indexAxis(key, 0, 1),
    scalar(0, "uint32"),
    value,
  );
  return stack([a, b]);
}

/** 32 random bits an element, as uint32. */
export const randomBits = (key: Tensor, shape: Shape): Tensor => bitwiseXor(...words(key, shape));

/** The random bits of one number, and how many of them its mantissa takes; as jax.random. */
const DRAWS: Partial<Record<DType, { readonly width: number; readonly mantissa: number }>> = {
  float16: { width: 16, mantissa: 10 },
  bfloat16: { width: 8, mantissa: 7 },
};

/** Uniform numbers in [low, high); those in [0, 1) are the same bit for bit on every engine. */
export function uniform(
  key: Tensor,
  shape: Shape,
  low = 0,
  high = 1,
  dtype: DType = "float32",
): Tensor {
  const { width, mantissa } = DRAWS[dtype] ?? { width: 32, mantissa: 23 };
  const bits = randomBits(key, shape);
  const drawn = width < 32 ? bitwiseAnd(bits, 2 ** width - 1) : bits;
  const whole = convert(shiftRightLogical(drawn, width - mantissa), "float32");
  const unit = convert(mul(whole, 2 ** -mantissa), dtype); // exact in either dtype
  if (low === 0 && high === 1) return unit;
  return maximum(add(mul(unit, Math.fround(high) - Math.fround(low)), low), low);
}

const CENTRAL = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503,
  -0.00417768164, 0.246640727, 1.50140941,
];
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
  0.00943887047, 1.00167406, 2.83297682,
];

/** The inverse error function in single precision (M. Giles 2012, "Approximating the erfinv function"). */
export function erfInv(x: Tensor): Tensor {
  const w = neg(log1p(neg(square(x))));
  const central = less(w, 5);
  const z = select(central, sub(w, 2.5), sub(sqrt(w), 3));
  const coefficient = (i: number) =>
    select(central, full(x.shape, CENTRAL[i]), full(x.shape, TAIL[i]));
  let p = coefficient(0);
  for (let i = 1; i < CENTRAL.length; i++) p = add(coefficient(i), mul(p, z));
  return select(equal(abs(x), 1), mul(x, Infinity), mul(p, x));
}

const BELOW_ONE = 1 - 2 ** -24;

/** Standard normal numbers; half-width ones are float32's, rounded (jax.random draws them from far fewer bits). */
export const normal = (key: Tensor, shape: Shape, dtype: DType = "float32"): Tensor =>
  convert(mul(erfInv(uniform(key, shape, -BELOW_ONE, 1)), Math.SQRT2), dtype);

/** The error function of a number, by which {@link truncatedNormal} finds its bounds. */
const erfOf = (x: number): Tensor => erf(scalar(x / Math.SQRT2));

/** Standard normal numbers conditioned on lying in the open interval (low, high). */
export function truncatedNormal(key: Tensor, low: number, high: number, shape: Shape): Tensor {
  const [a, b] = [erfOf(low), erfOf(high)];
  const unit = uniform(key, shape);
  const u = maximum(add(mul(unit, sub(b, a)), a), a);
  const [first, last] = [nextFloat32(low, 1), nextFloat32(high, -1)]; // where rounding reaches a bound
  return clip(mul(erfInv(u), Math.SQRT2), first, last);
}

/** The smallest normal number of a dtype: where Gumbel numbers begin to be finite. */
const TINY: Partial<Record<DType, number>> = { float16: 2 ** -14 };

/** Numbers of the standard Gumbel distribution, −log(−log u); the stream of `jax.random.gumbel`. */
export function gumbel(key: Tensor, shape: Shape, dtype: DType = "float32"): Tensor {
  const u = uniform(key, shape, TINY[dtype] ?? 2 ** -126, 1, dtype);
  return neg(log(neg(log(u))));
}

/** Options of {@link categorical}. */
export interface CategoricalOptions {
  /** The axis of the classes; default: the last. */
  readonly axis?: number;
  /** The shape of the draws, whose end is that of the logits without the classes; default: one draw for each row. */
  readonly shape?: Shape;
}

/**
 * Classes drawn with probabilities softmax(logits), as int32: the largest of logits with Gumbel noise. The stream of
 * `jax.random.categorical`.
 *
 * @throws OcelliError "shape" where the shape of the draws does not end with the rows of the logits
 */
export function categorical(
  key: Tensor,
  logits: Tensor,
  { axis = -1, shape }: CategoricalOptions = {},
): Tensor {
  const at = axisOf("categorical", logits, axis);
  const rows = logits.shape.filter((_, i) => i !== at);
  const draws = shape ?? rows;
  const lead = draws.slice(0, Math.max(draws.length - rows.length, 0));
  if (!sameShape([...lead, ...rows], draws)) {
    throw shapeError(
      "categorical",
      [logits],
      `draws [${draws}] do not end with its rows [${rows}]`,
    );
  }
  const noise = gumbel(key, [...lead, ...logits.shape], logits.dtype);
  return argMax(add(noise, logits), lead.length + at);
}

/** True with probability p. */
export const bernoulli = (key: Tensor, p: number | Tensor, shape: Shape): Tensor =>
  less(uniform(key, shape), p);

/**
 * Whole numbers in [low, high), as int32, from 64 bits each, so that the bias is below 2⁻³² even for the widest interval.
 *
 * @throws OcelliError "argument" unless −2³¹ ≤ low < high ≤ 2³¹ are whole
 */
export function randomInt(key: Tensor, shape: Shape, low: number, high: number): Tensor {
  const fits = [low, high].every((bound) => Number.isInteger(bound) && Math.abs(bound) <= 2 ** 31);
  if (!fits || low >= high) {
    throw new OcelliError(
      "argument",
      `randomInt draws from [low, high), whole numbers from -2147483648 to 2147483648, not from [${low}, ${high}).`,
    );
  }
  const span = high - low;
  const half = 2 ** 16 % span;
  const high32 = (half ** 2 % 2 ** 32) % span; // 2³² modulo the span
  const width = span % 2 ** 32; // all 2³² numbers: the remainder by 0 is the number itself
  const [forHigh, forLow] = splitKey(key);
  const upper = mul(rem(randomBits(forHigh, shape), width), high32);
  const offset = rem(add(upper, rem(randomBits(forLow, shape), width)), width);
  return add(convert(offset, "int32"), low);
}

/** A random order of 0 … n − 1 as int32: stable sorts by random keys, as many as make collisions rare. */
export function permutation(key: Tensor, n: number): Tensor {
  const rounds = Math.ceil((3 * Math.log(Math.max(1, n))) / Math.log(2 ** 32 - 1));
  let order = iota([Math.max(n, 0)], "int32");
  let rest = key;
  for (let i = 0; i < rounds; i++) {
    const [next, now] = splitKey(rest);
    rest = next;
    order = sortWith(randomBits(now, [n]), [order], 0)[1];
  }
  return order;
}

const TRIES = 16;

/**
 * The logarithm of Gamma(a, 1) numbers by Marsaglia & Tsang (2000), the first accepted of 16 proposals
 * (each is accepted with probability above 0.95), lifted from a + 1 for a < 1.
 */
export function logGamma(key: Tensor, a: number, shape: Shape): Tensor {
  const [forNormal, forUniform, forBoost] = splitKey(key, 3);
  const d = (a < 1 ? a + 1 : a) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  const proposals = [...shape, TRIES];
  const x = normal(forNormal, proposals);
  const root = add(mul(x, c), 1);
  const positive = greater(root, 0);
  const logV = mul(log(select(positive, root, full(proposals, 1))), 3);
  const logU = log(maximum(uniform(forUniform, proposals), 2 ** -24));
  const v = mul(mul(root, root), root);
  const bound = add(mul(square(x), 0.5), mul(add(sub(1, v), logV), d));
  const accepted = logicalAnd(positive, less(logU, bound));
  const first = argMax(convert(accepted, "int32"), -1);
  const chosen = squeeze(takeAlongAxis(logV, reshape(first, [...shape, 1]), -1), shape.length);
  const lifted = add(chosen, Math.log(d));
  if (a >= 1) return lifted;
  return add(lifted, div(log(maximum(uniform(forBoost, shape), 2 ** -24)), a));
}

/** Beta(a, b) numbers, from two Gammas. */
export function beta(key: Tensor, a: number, b: number, shape: Shape = []): Tensor {
  const [forA, forB] = splitKey(key);
  return logistic(sub(logGamma(forA, a, shape), logGamma(forB, b, shape)));
}
