/** @file Running traced functions once on an engine. */

import type { OcelliError } from "../../src/errors.ts";
import type { Engine } from "../../src/engines/engine.ts";
import { type HostArray, type Program, type Tensor, trace } from "../../src/graph/index.ts";

/** Traces a function for host arrays, runs it once, and reads its outputs. */
export async function run(
  engine: Engine,
  fn: (...args: Tensor[]) => readonly Tensor[],
  inputs: readonly HostArray[],
): Promise<HostArray[]> {
  const { program } = trace(fn, ...inputs);
  using executable = await engine.compile(program);
  const outputs = await executable.run(inputs);
  const arrays = await Promise.all(outputs.map((output) => output.read()));
  for (const output of outputs) output.dispose();
  return arrays;
}

/** The error with which a check refuses a program; undefined where it lets it pass. */
export function refusalOf(
  check: (program: Program) => void,
  program: Program,
): OcelliError | undefined {
  try {
    check(program);
    return undefined;
  } catch (error) {
    return error as OcelliError;
  }
}
