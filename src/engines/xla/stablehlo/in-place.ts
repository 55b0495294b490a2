/** @file State that is updated in place: what is computed from a new value reads it where it is stored. */

import type { PrimitiveName } from "../../../graph/ops/index.ts";
import { barrier } from "../../../graph/ops/barrier.ts";
import { type Program, collect } from "../../../graph/program.ts";
import { type Equation, type Tensor, emit, withScope } from "../../../graph/tensor.ts";

/** Operations on each element alone, as optimisers have them between a moment and an update. */
const ELEMENTWISE: ReadonlySet<string> = new Set<PrimitiveName>([
  ...(["neg", "abs", "sign", "exp", "log", "sqrt", "rsqrt", "tanh", "convert"] as const),
  ...(["add", "sub", "mul", "div", "pow", "max", "min"] as const),
]);

/**
 * A training step stores `select(taken, next, old)` over `old`, and computes the next parameters from `next` too. A
 * compiler that fuses elementwise operations computes `next` a second time there, from `old`, and keeps a copy of `old`
 * for it: of all moments, for as long as the step runs. Where all else that reads `next` is itself taken or left by the
 * same predicate, it reads what was stored instead; no result changes.
 */
export function storeBeforeUse(program: Program, donated: ReadonlySet<number>): Program {
  const stores = storesOf(program, donated);
  return stores.size === 0 ? program : withStores(program, stores);
}

/** By new value, the equation that stores it over a donated input. */
function storesOf(program: Program, donated: ReadonlySet<number>): Map<Tensor, Equation> {
  const readers = new Map<Tensor, Equation[]>();
  for (const equation of program.equations) {
    for (const input of new Set(equation.inputs)) {
      const known = readers.get(input);
      if (known) known.push(equation);
      else readers.set(input, [equation]);
    }
  }
  const given = new Set(program.inputs.filter((_, i) => donated.has(i)));
  const outputs = new Set(program.outputs);
  const stores = new Map<Tensor, Equation>();
  for (const { equation } of program.outputs) {
    if (equation?.primitive.name !== "select") continue;
    const [predicate, next, old] = equation.inputs;
    const isRead = (readers.get(next)?.length ?? 0) > 1;
    if (!given.has(old) || !isRead || stores.has(next)) continue;
    if (isTaken(next, predicate, equation, readers, outputs)) stores.set(next, equation);
  }
  return stores;
}

/** Whether all that comes of a value, its store aside, is itself taken or left by the predicate. */
function isTaken(
  next: Tensor,
  predicate: Tensor,
  store: Equation,
  readers: ReadonlyMap<Tensor, readonly Equation[]>,
  outputs: ReadonlySet<Tensor>,
): boolean {
  const reached = new Set([next]);
  for (const value of reached) {
    if (outputs.has(value)) return false;
    for (const reader of readers.get(value) ?? []) {
      if (reader === store) continue;
      const [condition, taken, left] = reader.inputs;
      if (reader.primitive.name === "select" && condition === predicate) {
        if (taken !== value || left === value) return false;
      } else if (ELEMENTWISE.has(reader.primitive.name)) reached.add(reader.outputs[0]);
      else return false;
    }
  }
  return true;
}

/** The program again, where what reads a new value reads its store, behind a barrier that keeps it from fusing. */
function withStores(program: Program, stores: ReadonlyMap<Tensor, Equation>): Program {
  const values = new Map(program.inputs.map((input) => [input, input]));
  const read = (reader: Equation, x: Tensor): Tensor => {
    const store = stores.get(x);
    return store && store !== reader ? store.outputs[0] : x;
  };
  // stores come last in a program, so equations are made when they are asked for
  const stack = program.outputs.flatMap(({ equation }) => equation ?? []).reverse();
  while (stack.length > 0) {
    const equation = stack.at(-1)!;
    const { primitive, inputs, attrs, outputs, scope } = equation;
    const sources = inputs.map((x) => read(equation, x));
    const missing = values.has(outputs[0]) ? [] : sources.filter((x) => !values.has(x));
    if (missing.length > 0) {
      stack.push(...missing.flatMap((x) => x.equation ?? []));
      continue;
    }
    stack.pop();
    if (values.has(outputs[0])) continue;
    const operands = sources.map((x) => values.get(x)!);
    const made = withScope(scope, () => emit(primitive, operands, attrs as unknown));
    const results = stores.get(inputs[1]) === equation ? barrier(made) : made;
    outputs.forEach((output, i) => values.set(output, results[i]));
  }
  const outputs = program.outputs.map((output) => values.get(output)!);
  const { equations } = collect(outputs, new Set(program.inputs));
  return { inputs: program.inputs, outputs, equations };
}
