/** @file What a GPU promises: the accuracy of WGSL's functions, and no special numbers. */

import { type HostArray, type Program, isFloat, toNumbers } from "../../src/graph/index.ts";
import { isProgram } from "../../src/graph/program.ts";
import type { Accuracy } from "./suite.ts";

/**
 * Units of the last place that one application of a primitive may cost, relative to the largest number or 1.
 *
 * @see https://www.w3.org/TR/WGSL/#floating-point-accuracy
 */
const COST: Readonly<Record<string, number>> = {
  // an absolute error of 2⁻¹¹
  sin: 2 ** 12,
  cos: 2 ** 12,
  tanh: 2 ** 12,
  // a quotient of two such, which digamma takes left of 0
  tan: 2 ** 13,
  digamma: 2 ** 13,
  // an absolute error of 6.77e-5
  asin: 568,
  acos: 568,
  // 3 + 2 |x|, which the contract takes to 80
  exp: 256,
  expm1: 256,
  logistic: 256,
  erf: 256,
  pow: 256,
  // an absolute error of 2⁻²¹ between ½ and 2
  log: 4,
  log1p: 256,
};

/** The costs of a program's equations; those of a scan's body as often as it runs. */
function costOf({ equations }: Program): number {
  return equations.reduce((sum, { primitive, attrs }) => {
    const values = Object.values(attrs as object);
    const inner = values.filter(isProgram).reduce((total, program) => total + costOf(program), 0);
    const { length = 1 } = attrs as { readonly length?: number };
    return sum + (COST[primitive.name] ?? 0) + inner * length;
  }, 0);
}

const numbersOf = (list: HostArray | readonly number[]): readonly number[] =>
  "data" in list ? toNumbers(list) : list;

const isOdd = (input: HostArray): boolean =>
  isFloat(input.dtype) && toNumbers(input).some((x) => !Number.isFinite(x));

/** WGSL's accuracy. Nothing is promised of NaN and infinities, nor of whole numbers that come of them. */
export const gpuAccuracy: Accuracy = {
  measureOf: (program, measure) => {
    const cost = costOf(program);
    return cost === 0 ? measure : { ulps: measure.ulps + cost, scale: "unit" };
  },
  promisedOf: (result, expected, inputs) => {
    const given = toNumbers(result);
    const odd = inputs.some(isOdd);
    if (!isFloat(result.dtype) && odd) return given;
    const isPromised = (x: number, i: number): boolean =>
      Number.isFinite(x) && (Number.isFinite(given[i]) || !odd);
    return numbersOf(expected).map((x, i) => (isPromised(x, i) ? x : given[i]));
  },
};
