/** @file Running traced functions once on an engine. */

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

/** Whether a check lets a program pass. */
export function supports(check: (program: Program) => void, program: Program): boolean {
  try {
    check(program);
    return true;
  } catch {
    return false;
  }
}
