/** @file Finds the residual stream of a program: the running sums that XLA's CPU fusions would compute again and again. */

import type { Program } from "../../../graph/program.ts";
import type { Equation, Tensor } from "../../../graph/tensor.ts";

/** Smaller sums are cheap to make twice. */
const LARGE = 1 << 14;

/**
 * Sums that more than one equation reads, with an operand that another equation reads too: x + f(x), forward, and the
 * accumulation of cotangents, backward.
 */
export function residualStream(program: Program): ReadonlySet<Tensor> {
  const readers = new Map<Tensor, number>();
  for (const { inputs } of program.equations) {
    for (const input of new Set(inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  const shared = (x: Tensor): boolean => (readers.get(x) ?? 0) > 1;
  const isResidual = ({ primitive, inputs, outputs: [out] }: Equation): boolean =>
    primitive.name === "add" && out.size >= LARGE && shared(out) && inputs.some(shared);
  return new Set(program.equations.filter(isResidual).map(({ outputs: [out] }) => out));
}
