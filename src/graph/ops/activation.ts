/** @file softmax, logSoftmax and both forms of GELU as composites. */

import type { Tensor } from "../tensor.ts";
import { stopGradient } from "./barrier.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { reduceSum } from "./stretch.ts";
import { applyComposite, emitComposite } from "./composite.ts";
import { reduceMax } from "./reduce.ts";
import { axisOf } from "./shape.ts";
import { tanh } from "./trigonometric.ts";
import { erf, exp, log, logistic } from "./unary.ts";

const keep = { keepDims: true };

/** exp(x) / Σ exp(x) along an axis, shifted by the maximum; NaN where that is infinite. */
export function softmax(x: Tensor, axis = -1): Tensor {
  const at = axisOf("softmax", x, axis);
  return applyComposite(
    {
      name: "softmax",
      options: { axis: at },
      decompose: (z) => {
        const e = exp(sub(z, peak(z, at)));
        return [div(e, reduceSum(e, at, keep))];
      },
      rule: (_inputs, [y], [d]) => [d && mul(y, sub(d, reduceSum(mul(d, y), at, keep)))],
    },
    [x],
  );
}

/** The maximum along an axis without a gradient. Where it is infinite the row becomes NaN, as jax.nn has it. */
const peak = (x: Tensor, axis: number): Tensor => stopGradient(reduceMax(x, axis, keep));

/** x − log Σ exp(x) along an axis; NaN where the maximum is infinite. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const at = axisOf("logSoftmax", x, axis);
  return applyComposite(
    {
      name: "logSoftmax",
      options: { axis: at },
      decompose: (z) => {
        const centred = sub(z, peak(z, at));
        return [sub(centred, log(reduceSum(exp(centred), at, keep)))];
      },
      rule: (_inputs, [y], [d]) => [d && sub(d, mul(exp(y), reduceSum(d, at, keep)))],
    },
    [x],
  );
}

const GELU_CUBIC = 0.044715;
const GELU_SCALE = Math.sqrt(2 / Math.PI);

/** GELU in its tanh form, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export function gelu(x: Tensor): Tensor {
  return applyComposite(
    {
      name: "gelu",
      options: { approximate: "tanh" },
      decompose: (z) => {
        const inner = mul(z, add(mul(mul(z, z), GELU_SCALE * GELU_CUBIC), GELU_SCALE));
        return [mul(mul(z, 0.5), add(tanh(inner), 1))];
      },
      rule: ([z], [y], [d]) => {
        if (!d) return [null];
        const decompose = (...[a, e, b]: Tensor[]) => [geluGradient(a, e, b)];
        return emitComposite({ name: "geluGradient", decompose }, [z, d, y]);
      },
    },
    [x],
  );
}

/**
 * The cotangent of {@link gelu}'s input from the input x and the result's cotangent; y is the result, which is computed
 * again unless it is given. With s = σ(2u), u = √(2/π)(x + 0.044715 x³): y = x s, y' = s + y (1 − s) 2u'.
 */
export function geluGradient(x: Tensor, d: Tensor, y?: Tensor): Tensor {
  const square = mul(x, x);
  const s = logistic(mul(x, add(mul(square, 2 * GELU_SCALE * GELU_CUBIC), 2 * GELU_SCALE)));
  const slope = add(mul(square, 6 * GELU_SCALE * GELU_CUBIC), 2 * GELU_SCALE);
  return mul(d, add(s, mul(mul(y ?? mul(x, s), sub(1, s)), slope)));
}

/** The share of a normal distribution below x, Φ(x) = (1 + erf(x / √2)) / 2. */
const normalBelow = (x: Tensor): Tensor => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
/** The height of the normal density at 0. */
const DENSITY = 1 / Math.sqrt(2 * Math.PI);

/** GELU in its exact form, x Φ(x): what timm and transformers train with. Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export function geluExact(x: Tensor): Tensor {
  return applyComposite(
    {
      name: "gelu",
      options: { approximate: "none" },
      decompose: (z) => [mul(z, normalBelow(z))],
      // y' = Φ(x) + x φ(x)
      rule: ([z], _outputs, [d]) => {
        if (!d) return [null];
        const density = mul(exp(mul(mul(z, z), -0.5)), DENSITY);
        return [mul(d, add(normalBelow(z), mul(z, density)))];
      },
    },
    [x],
  );
}
