/** @file Gradients against central finite differences in float64, on the interpreter. */

import {
  type HostArray,
  type Tensor,
  fromNumbers,
  isFloat,
  toNumbers,
  trace,
  vjp,
} from "../../src/graph/index.ts";
import { interpretProgram } from "../../src/graph/interpret.ts";
import { type Value, decode } from "../../src/graph/values.ts";
import { draw } from "./table.ts";

type ListFunction = (...args: Tensor[]) => readonly Tensor[];

/** Floats as float64; other arrays as they are. */
export const widened = (array: HostArray): HostArray =>
  isFloat(array.dtype) ? fromNumbers(toNumbers(array), array.shape, "float64") : array;

/** The pullback of a function of n arguments: (arguments…, cotangents of float outputs…) → cotangents of float arguments. */
export const pullbackAt =
  (fn: ListFunction, n: number): ListFunction =>
  (...args) => {
    const seeds = args.slice(n);
    const { outputs, pullback } = vjp(fn, ...args.slice(0, n));
    const ds = pullback(outputs.map(({ dtype }) => (isFloat(dtype) ? seeds.shift()! : null)));
    return ds.filter((_, i) => isFloat(args[i].dtype));
  };

/** Cotangents for a function's float outputs. */
export function cotangentsOf(fn: ListFunction, inputs: readonly HostArray[]): HostArray[] {
  const { outputs } = trace(fn, ...inputs).program;
  return outputs.flatMap(({ shape, dtype }, i) =>
    isFloat(dtype) ? [draw(shape, 8000 + i).realise(dtype, 0)] : [],
  );
}

/**
 * The largest difference between a function's gradient and its central finite differences, relative to the largest
 * entry of the gradient, or to 1 where all are smaller.
 */
export function gradientError(fn: ListFunction, inputs: readonly HostArray[]): number {
  const cotangents = cotangentsOf(fn, inputs);
  const values = inputs.map(decode);
  const seeds = cotangents.map(decode);
  const backward = trace(pullbackAt(fn, inputs.length), ...inputs, ...cotangents).program;
  const given = interpretProgram(backward, [...values, ...seeds]).flatMap(({ data }) => [...data]);
  const expected = finiteDifferences(trace(fn, ...inputs).program, values, seeds);
  const largest = given.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  return given.reduce((worst, d, i) => Math.max(worst, Math.abs(d - expected[i]) / largest), 0);
}

const STEP = 2 ** -17;

/** d⟨outputs, cotangents⟩ for each element of each float input. */
function finiteDifferences(
  program: Parameters<typeof interpretProgram>[0],
  inputs: readonly Value[],
  cotangents: readonly Value[],
): number[] {
  const product = (): number => {
    const outputs = interpretProgram(program, inputs).filter(({ dtype }) => isFloat(dtype));
    const terms = outputs.map(({ data }, k) =>
      Array.from(data, (y, i) => y * cotangents[k].data[i]).reduce((a, b) => a + b, 0),
    );
    return terms.reduce((a, b) => a + b, 0);
  };
  const at = (data: Value["data"], i: number, x: number): number => {
    const before = data[i];
    data[i] = x;
    const result = product();
    data[i] = before;
    return result;
  };
  return inputs
    .filter(({ dtype }) => isFloat(dtype))
    .flatMap(({ data }) =>
      Array.from(data, (x, i) => (at(data, i, x + STEP) - at(data, i, x - STEP)) / (2 * STEP)),
    );
}
