/** @file Circular and hyperbolic functions in StableHLO. */

import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { higher, same } from "./elementwise.ts";

/** A number that XLA does not know while it compiles. */
function opaque(b: Builder, like: Value, value: number): Value {
  const scalar = b.scalar(value, like.dtype);
  return b.broadcast(b.op("stablehlo.optimization_barrier", [scalar], [scalar])[0], like.shape, []);
}

/**
 * The angle of the point (1, x). XLA's own kernel, which it also takes for `atan2` of a constant, is wrong on CPUs in
 * arrays of 40 numbers and more.
 */
const atan: Lowering<unknown> = ({ b, inputs: [x] }) => [b.map("atan2", x, opaque(b, x, 1))];

const LEAST_NORMAL = 2 ** -126;

/** Zero where a number is subnormal: two of these give NaN in XLA's atan2, which divides one by the other. */
function flushed(b: Builder, x: Value): Value {
  if (x.dtype === "float16") return x; // its subnormals are computed with as normal float32
  const isSubnormal = b.compare("LT", b.map("abs", x), b.full(x, LEAST_NORMAL));
  return b.select(isSubnormal, b.map("multiply", x, b.full(x, 0)), x);
}

const atan2: Lowering<unknown> = ({ b, inputs: [y, x] }) => [
  b.map("atan2", flushed(b, y), flushed(b, x)),
];

export const trigonometricLowerings = {
  sin: same("sine"),
  cos: same("cosine"),
  tan: same("tan"),
  asin: higher("asin"),
  acos: higher("acos"),
  atan,
  atan2,
  sinh: higher("sinh"),
  cosh: higher("cosh"),
  tanh: same("tanh"),
  asinh: higher("asinh"),
  acosh: higher("acosh"),
  atanh: higher("atanh"),
};
