/**
 * @file Guarded updates: `select(p, next, old)` with a scalar p for a whole state becomes one `cond`, so that what leads to
 * the next state alone runs only where p holds, and nothing is chosen element by element.
 */

import { sizeOf } from "../../../../graph/dtype.ts";
import { primitives } from "../../../../graph/ops/index.ts";
import { type Program, replay, traceRegion } from "../../../../graph/program.ts";
import { type Equation, type Tensor, emit, specOf } from "../../../../graph/tensor.ts";

/** Smaller states are not worth a branch. */
const MIN_ELEMENTS = 1 << 16;

/** Equations that cost nothing to have on both sides of the branch. */
const FREE: ReadonlySet<string> = new Set(["constant", "broadcastInDim", "reshape", "transpose"]);

/** The square of a tensor is read for norms outside and for moments inside: made again, it stays in the cache. */
const isSquare = ({ primitive, inputs }: Equation): boolean =>
  primitive.name === "mul" && inputs[0] === inputs[1];

/** The scalar that a select asks, if it asks the same everywhere. */
function guardOf({ primitive, inputs }: Equation): Tensor | undefined {
  if (primitive.name !== "select") return undefined;
  const [predicate] = inputs;
  if (predicate.rank === 0) return predicate;
  const { equation } = predicate;
  const isSpread = equation?.primitive.name === "broadcastInDim" && equation.inputs[0].rank === 0;
  return isSpread ? equation.inputs[0] : undefined;
}

/** The largest group of final selects that ask one scalar. */
function largestGuard(program: Program, readers: ReadonlyMap<Tensor, number>): Equation[] {
  const groups = new Map<Tensor, Equation[]>();
  for (const equation of program.equations) {
    const guard = guardOf(equation);
    const isFinal =
      program.outputs.includes(equation.outputs[0]) && !readers.has(equation.outputs[0]);
    if (!guard || !isFinal) continue;
    groups.set(guard, [...(groups.get(guard) ?? []), equation]);
  }
  const size = (group: readonly Equation[]) =>
    group.reduce((n, { outputs: [y] }) => n + sizeOf(y.shape), 0);
  const [largest = []] = [...groups.values()].sort((a, b) => size(b) - size(a));
  return size(largest) < MIN_ELEMENTS ? [] : largest;
}

/** A program whose guarded state, if it has one, is computed in a branch. */
export function branchOnGuard(program: Program): Program {
  const readers = new Map<Tensor, number>();
  for (const { inputs } of program.equations) {
    for (const input of inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  const selects = largestGuard(program, readers);
  if (selects.length === 0) return program;
  const removed = new Set<Equation>(selects);
  const inside = new Set<Equation>();
  const wanted = new Set<Tensor>(selects.map(({ inputs }) => inputs[1]));
  /** How often equations that leave the program read a tensor. */
  const reads = new Map<Tensor, number>();
  const count = (tensor: Tensor) => reads.set(tensor, (reads.get(tensor) ?? 0) + 1);
  for (const { inputs } of selects) inputs.forEach(count);
  const outputs = new Set(program.outputs);
  for (const equation of [...program.equations].reverse()) {
    if (removed.has(equation) || !equation.outputs.some((y) => wanted.has(y))) continue;
    const isOurs = equation.outputs.every(
      (y) => !outputs.has(y) && (reads.get(y) ?? 0) === (readers.get(y) ?? 0),
    );
    if (equation.primitive.opaque) continue;
    if (!isOurs && !FREE.has(equation.primitive.name) && !isSquare(equation)) continue;
    inside.add(equation);
    for (const input of equation.inputs) wanted.add(input);
    if (!isOurs) continue;
    removed.add(equation);
    equation.inputs.forEach(count);
  }
  const branch = program.equations.filter((equation) => inside.has(equation));
  const made = new Set(branch.flatMap((equation) => equation.outputs));
  const read = [
    ...branch.flatMap(({ inputs }) => inputs),
    ...selects.flatMap(({ inputs }) => inputs.slice(1)),
  ];
  const captures = [...new Set(read)].filter((tensor) => !made.has(tensor));
  const region = (side: 1 | 2, equations: readonly Equation[]): Program => {
    const results = selects.map(({ inputs }) => inputs[side]);
    const inner = { inputs: captures, outputs: results, equations };
    return traceRegion(captures.map(specOf), (...own) => replay(inner, own)).program;
  };
  const results = emit(primitives.cond, [guardOf(selects[0])!, ...captures], {
    whenTrue: region(1, branch),
    whenFalse: region(2, []),
  });
  const replaced = new Map(selects.map(({ outputs: [y] }, i) => [y, results[i]]));
  return {
    inputs: program.inputs,
    outputs: program.outputs.map((y) => replaced.get(y) ?? y),
    equations: [
      ...program.equations.filter((equation) => !removed.has(equation)),
      results[0].equation!,
    ],
  };
}
