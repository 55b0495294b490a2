/** @file What follows from a row: its pullback, and the cotangents that are asked for. */

import {
  type HostArray,
  type Spec,
  type Tensor,
  isFloat,
  specOf,
  trace,
  vjp,
} from "../../src/graph/index.ts";
import { type Case, type Instance, draw, outputsOf } from "./table.ts";

/** The specs of a row's outputs for inputs of given specs. */
const outputSpecs = (row: Case, inputs: readonly Spec[]): Spec[] =>
  trace((...xs: Tensor[]) => outputsOf(row, xs), ...inputs.map(specOf)).program.outputs.map(specOf);

/** A row's pullback: inputs and cotangents of the float outputs → cotangents of the float inputs. */
export const pullbackOf =
  (row: Case) =>
  (...args: Tensor[]): Tensor[] => {
    const inputs = args.slice(0, row.inputs.length);
    const seeds = args.slice(row.inputs.length);
    const { outputs, pullback } = vjp((...xs) => outputsOf(row, xs), ...inputs);
    const ds = pullback(outputs.map(({ dtype }) => (isFloat(dtype) ? seeds.shift()! : null)));
    return ds.filter((_, i) => isFloat(inputs[i].dtype));
  };

/** Cotangents for the float outputs of a row. */
export const cotangentsFor = (
  row: Case,
  inputs: readonly HostArray[],
  example = 0,
): readonly HostArray[] =>
  outputSpecs(row, inputs)
    .filter(({ dtype }) => isFloat(dtype))
    .map(({ shape, dtype }, i) => draw(shape, 9000 + i).realise(dtype, example));

/** Whether a row in a dtype has a gradient to ask for. */
export function hasGradient(instance: Instance): boolean {
  const inputs = instance.example(0);
  if (instance.gradient === "none" || !inputs.some(({ dtype }) => isFloat(dtype))) return false;
  return outputSpecs(instance, inputs).some(({ dtype }) => isFloat(dtype));
}
