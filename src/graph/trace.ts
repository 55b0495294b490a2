/** @file Tracing: calling an ordinary function over symbolic tensors yields its program. */

import { OcelliError } from "../errors.ts";
import { type Tree, type TreeStructure, flatten, leafNames, unflatten } from "../tree.ts";
import { type Program, collect } from "./program.ts";
import { type Spec, Tensor } from "./tensor.ts";

/** A program with the names and structure of what goes in and out. */
export interface TracedFunction {
  readonly program: Program;
  /** Structure of the argument list (an array of trees). */
  readonly inputs: TreeStructure;
  readonly outputs: TreeStructure;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}

/**
 * Traces a function of trees of tensors.
 *
 * @param fn called once with symbolic tensors; returns a tree of tensors
 * @param specs one tree of `{ shape, dtype }` (or of arrays, whose data is ignored) for each argument
 * @example
 * const { program } = trace((x: Tensor) => mul(x, 2), { shape: [3], dtype: "float32" });
 */
export function trace<Args extends readonly unknown[]>(
  fn: (...args: Args) => Tree<Tensor>,
  ...specs: readonly Tree<Spec>[]
): TracedFunction {
  const { leaves, structure } = flatten<Spec>(specs);
  const inputs = leaves.map(({ shape, dtype }) => new Tensor({ shape, dtype }));
  const result = fn(...(unflatten(structure, inputs) as unknown as Args));
  const { leaves: outputs, structure: outputStructure } = flatten<Tensor>(result);
  for (const [i, output] of outputs.entries()) {
    if (!(output instanceof Tensor)) {
      const name = leafNames(outputStructure)[i] || "the result";
      throw new OcelliError(
        "argument",
        `a traced function must return tensors; ${name} is ${typeof output}.`,
      );
    }
  }
  return {
    program: closeProgram(inputs, outputs),
    inputs: structure,
    outputs: outputStructure,
    inputNames: leafNames(structure),
    outputNames: leafNames(outputStructure),
  };
}

/** The closed program from inputs to outputs; constants made anywhere are pulled in. */
function closeProgram(inputs: readonly Tensor[], outputs: readonly Tensor[]): Program {
  const { equations, free } = collect(outputs, new Set(inputs));
  if (free.length > 0) {
    throw new OcelliError(
      "argument",
      `a tensor ${free[0]} of another trace is read here; pass it as an argument.`,
    );
  }
  return { inputs, outputs, equations };
}
