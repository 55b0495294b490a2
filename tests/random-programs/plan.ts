/** @file Plans: programs as plain data, which can be built, written as Python, cut down and printed. */

import {
  type CompositeName,
  type HostArray,
  type PrimitiveName,
  type Spec,
  type Tensor,
  type TracedFunction,
  fromNumbers,
  trace,
} from "../../src/graph/index.ts";
import type { Scope } from "./scope.ts";

/** A value of a plan: its name, shape and dtype. */
export interface Typed extends Spec {
  readonly id: number;
}

/** A function inside a plan. It reads what stands before it, too. */
export interface Block {
  readonly params: readonly Typed[];
  readonly steps: readonly Step[];
  readonly results: readonly number[];
}

/** Static arguments of a step: what JSON can hold. */
export type Attrs = Readonly<Record<string, unknown>>;

/** One operation applied to values by their names. */
export interface Step {
  readonly op: string;
  readonly args: readonly number[];
  readonly attrs: Attrs;
  readonly blocks: readonly Block[];
  readonly outs: readonly Typed[];
}

/** An input with its numbers. */
export interface Input extends Typed {
  readonly values: readonly number[];
}

/** A whole program with its inputs. */
export interface Plan {
  readonly inputs: readonly Input[];
  readonly steps: readonly Step[];
  readonly results: readonly number[];
}

/** A step without the results that follow from it. */
export interface Choice<A = Attrs> {
  readonly args: readonly number[];
  readonly attrs?: A;
  readonly blocks?: readonly Block[];
}

/** A block as a function of tensors. */
export type BlockFunction = (...args: Tensor[]) => Tensor[];

/** A kind of step: how one is drawn, what it does, and what it is called in JAX. */
export interface Operation<A = Attrs> {
  /** The primitives and composites that programs get by it. */
  readonly of: readonly (PrimitiveName | CompositeName)[];
  /** Draws operands and attributes from what a scope has; nothing where nothing fits. */
  draw(scope: Scope): Choice<A> | undefined;
  apply(args: Tensor[], attrs: A, blocks: readonly BlockFunction[]): Tensor | readonly Tensor[];
  /** A Python expression for the result, or for a tuple of several; undefined where JAX is listed as different. */
  python(args: readonly string[], attrs: A, step: PythonStep): string | undefined;
}

/** What the writer of Python sees of a step, beside operands and attributes. */
export interface PythonStep {
  /** The names of the functions that the step's blocks have become. */
  readonly blocks: readonly string[];
  readonly operands: readonly Spec[];
  readonly outs: readonly Typed[];
}

/** Keeps the type of an operation's attributes to its own definition. */
export const operation = <A extends object>(definition: Operation<A>): Operation =>
  definition as unknown as Operation;

/** Operations by name. */
export type Operations = Readonly<Record<string, Operation>>;

type Environment = ReadonlyMap<number, Tensor>;

function runSteps(operations: Operations, steps: readonly Step[], outer: Environment): Environment {
  const values = new Map(outer);
  for (const step of steps) {
    const args = step.args.map((id) => values.get(id)!);
    const made = applyStep(operations, step, args, values);
    step.outs.forEach(({ id }, i) => values.set(id, made[i]));
  }
  return values;
}

/** The results of one step over its operands. */
export function applyStep(
  operations: Operations,
  { op, attrs, blocks }: Pick<Step, "op" | "attrs" | "blocks">,
  args: Tensor[],
  outer: Environment,
): readonly Tensor[] {
  const functions = blocks.map((block): BlockFunction => (...given) => {
    const inner = new Map(outer);
    block.params.forEach(({ id }, i) => inner.set(id, given[i]));
    const values = runSteps(operations, block.steps, inner);
    return block.results.map((id) => values.get(id)!);
  });
  const made = operations[op].apply(args, attrs, functions);
  return Array.isArray(made) ? (made as readonly Tensor[]) : [made as Tensor];
}

/** The program of a plan. */
export function buildPlan(operations: Operations, plan: Plan): TracedFunction["program"] {
  return trace(
    (...tensors: Tensor[]) => {
      const start = new Map(plan.inputs.map(({ id }, i) => [id, tensors[i]]));
      const values = runSteps(operations, plan.steps, start);
      return plan.results.map((id) => values.get(id)!);
    },
    ...plan.inputs,
  ).program;
}

/** The inputs of a plan as arrays. */
export const inputsOf = (plan: Plan): HostArray[] =>
  plan.inputs.map(({ values, shape, dtype }) => fromNumbers(values, shape, dtype));

/** How many steps a plan has, those of its blocks included. */
export const countSteps = (steps: readonly Step[]): number =>
  steps.reduce((sum, { blocks }) => {
    return sum + 1 + blocks.reduce((inner, block) => inner + countSteps(block.steps), 0);
  }, 0);

const typed = ({ id, dtype, shape }: Typed): string => `v${id}: ${dtype}[${shape.join(",")}]`;
const named = (ids: readonly number[]): string => ids.map((id) => `v${id}`).join(", ");

/** A number that JSON has no word for, as text. */
const showNumber = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

function showSteps(steps: readonly Step[], indent: string): string[] {
  return steps.flatMap(({ op, args, attrs, blocks, outs }) => {
    const given = Object.keys(attrs).length > 0 ? ` ${JSON.stringify(attrs)}` : "";
    const head = `${indent}${outs.map(typed).join(", ")} = ${op}(${named(args)})${given}`;
    const inner = blocks.flatMap((block) => [
      `${indent}  (${block.params.map(typed).join(", ")}) =>`,
      ...showSteps(block.steps, `${indent}    `),
      `${indent}    ${named(block.results)}`,
    ]);
    return [head, ...inner];
  });
}

/** A listing of a plan, its inputs' numbers included. */
export function showPlan(plan: Plan): string {
  const inputs = plan.inputs.map(
    (input) => `${typed(input)} = [${input.values.map(showNumber).join(", ")}]`,
  );
  return [...inputs, ...showSteps(plan.steps, ""), `return ${named(plan.results)}`].join("\n");
}
