/** @file Programs: closed lists of equations, collected from symbolic tensors, and replayed. */

import { OcelliError } from "../errors.ts";
import { callerLine } from "./caller.ts";
import { sizeOf } from "./dtype.ts";
import {
  type Attrs,
  type Equation,
  type Spec,
  Tensor,
  emit,
  equationMark,
  specOf,
  withScope,
} from "./tensor.ts";

/** A closed program: everything its equations read is an input or made by an earlier equation. */
export interface Program {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** In topological order. */
  readonly equations: readonly Equation[];
}

/** Whether an attribute is a program, such as the body of a loop. */
export const isProgram = (value: unknown): value is Program =>
  typeof value === "object" && value !== null && "equations" in value;

/** A program made inside another one, and the outer tensors it reads. */
export interface Region {
  /** Its inputs are the parameters, then the captures (the outer tensors themselves stand as names). */
  readonly program: Program;
  readonly captures: readonly Tensor[];
}

/**
 * The equations that lead from `known` tensors to `outputs`, in topological order. The search ends at known
 * tensors, at tensors without an equation and where `outside` says so; those other ends are returned as `free`.
 */
export function collect(
  outputs: readonly Tensor[],
  known: ReadonlySet<Tensor>,
  outside: (equation: Equation) => boolean = () => false,
): { equations: Equation[]; free: Tensor[] } {
  const equations = new Set<Equation>();
  const free = new Set<Tensor>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    if (known.has(tensor)) continue;
    const { equation } = tensor;
    if (!equation || outside(equation)) {
      free.add(tensor);
    } else if (!equations.has(equation)) {
      equations.add(equation);
      for (const input of equation.inputs) stack.push(input);
    }
  }
  return { equations: [...equations].sort((a, b) => a.id - b.id), free: [...free] };
}

/** Traces a function of tensors into a region: outer tensors that it reads become captures. */
export function traceRegion(
  specs: readonly Spec[],
  fn: (...args: Tensor[]) => readonly Tensor[],
): Region {
  const mark = equationMark();
  const parameters = specs.map((spec) => new Tensor(spec));
  const outputs = tensorList(fn(...parameters));
  const { equations, free } = collect(outputs, new Set(parameters), ({ id }) => id < mark);
  return { program: { inputs: [...parameters, ...free], outputs, equations }, captures: free };
}

/** What the function of a region returned; an error unless it is a list of tensors. */
export function tensorList(returned: unknown): readonly Tensor[] {
  if (Array.isArray(returned) && returned.every((item) => item instanceof Tensor)) return returned;
  const shown = Array.isArray(returned)
    ? `[${returned.map(String).join(", ")}]`
    : returned instanceof Tensor
      ? `the tensor ${returned}`
      : String(returned);
  const where = [callerLine()].filter(Boolean).map((line) => ` (${line})`);
  throw new OcelliError(
    "argument",
    `a function of a loop, a branch or a gradient must return a list of tensors, such as [y]; it returned ${shown}${where}.`,
    { given: returned },
  );
}

/** The decomposition of an equation's primitive as a program over its operands. */
export function decompositionOf({ primitive, inputs, attrs, scope }: Equation): Program {
  const { decompose } = primitive;
  if (!decompose) throw new Error(`${primitive.name} has neither a lowering nor a decomposition`);
  const within = [scope, primitive.name].filter(Boolean).join("/");
  return traceRegion(inputs.map(specOf), (...operands) =>
    withScope(within, () => decompose(operands, attrs)),
  ).program;
}

/** A region's program over another list of captures that includes its own. */
export function withCaptures(region: Region, captures: readonly Tensor[]): Program {
  const { inputs, outputs, equations } = region.program;
  const parameters = inputs.slice(0, inputs.length - region.captures.length);
  return { inputs: [...parameters, ...captures], outputs, equations };
}

/** The value of a tensor in an environment. */
function lookUp<T>(environment: ReadonlyMap<Tensor, T>, tensor: Tensor): T {
  const value = environment.get(tensor);
  if (value === undefined) {
    const maker = tensor.equation ? `made by ${tensor.equation.primitive.name}` : "an input";
    throw new OcelliError(
      "argument",
      `${tensor}, ${maker} of another trace, is used outside of it.`,
    );
  }
  return value;
}

/** Runs a program over values of any kind, equation by equation. */
export function evaluateProgram<T>(
  program: Program,
  inputs: readonly T[],
  apply: (equation: Equation, inputs: T[]) => readonly T[],
  known?: ReadonlyMap<Tensor, T>,
): T[] {
  const environment = new Map<Tensor, T>(known);
  program.inputs.forEach((tensor, i) => environment.set(tensor, inputs[i]));
  for (const equation of program.equations) {
    if (known && equation.outputs.every((output) => environment.has(output))) continue;
    const operands = equation.inputs.map((input) => lookUp(environment, input));
    apply(equation, operands).forEach((value, i) => {
      const output = equation.outputs[i];
      if (!known?.has(output)) environment.set(output, value);
    });
  }
  return program.outputs.map((output) => lookUp(environment, output));
}

/** Emits a program's equations again over new inputs. `known` tensors are taken as given, not recomputed. */
export const replay = (
  program: Program,
  inputs: readonly Tensor[],
  known?: ReadonlyMap<Tensor, Tensor>,
): Tensor[] =>
  evaluateProgram<Tensor>(
    program,
    inputs,
    ({ primitive, attrs, scope }, operands) =>
      withScope(scope, () => emit(primitive, operands, attrs as Attrs)),
    known,
  );

/** Floating-point operations of a program, by its primitives' own counts. */
export function programFlops(program: Program): number {
  return program.equations.reduce((sum, { primitive, inputs, outputs, attrs }) => {
    const count = primitive.flops?.(inputs, outputs, attrs as unknown);
    return sum + (count ?? outputs.reduce((n, { shape }) => n + sizeOf(shape), 0));
  }, 0);
}
