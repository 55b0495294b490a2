/** @file GELU in its exact form, for weights that were trained with it. */

import { type Tensor, add, div, maximum, minimum, mul } from "../graph/index.ts";

/** Coefficients of x² in an odd and an even polynomial whose quotient is erf up to float32's rounding, highest first. */
const ODD = [
  -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5,
  -7.34990630326855e-4, -2.95459980854025e-3, -1.60960333262415e-2,
];
const EVEN = [
  -1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3,
  -1.42647390514189e-2,
];
/** Beyond it erf is ±1 in float32. */
const LIMIT = 4;

const polynomial = ([first, second, ...rest]: readonly number[], x: Tensor): Tensor =>
  rest.reduce((sum, coefficient) => add(mul(sum, x), coefficient), add(mul(x, first), second));

/** The error function, within 4e-7 of the exact value in float32. */
export function erf(x: Tensor): Tensor {
  const bounded = maximum(minimum(x, LIMIT), -LIMIT);
  const squared = mul(bounded, bounded);
  return div(mul(bounded, polynomial(ODD, squared)), polynomial(EVEN, squared));
}

/** GELU in its exact form, x/2 · (1 + erf(x / √2)). Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export const geluExact = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
