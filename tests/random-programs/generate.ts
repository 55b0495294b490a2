/** @file Draws a random program from a seed: the same seed gives the same program and the same inputs. */

import { OcelliError } from "../../src/errors.ts";
import { Tensor, isFloat, sizeOf, specOf, trace } from "../../src/graph/index.ts";
import { interpretProgram } from "../../src/graph/interpret.ts";
import { type Value, decode } from "../../src/graph/values.ts";
import { type Random, seededRandom } from "../../src/random.ts";
import { withoutUnread } from "./cut.ts";
import { KINDS, operations } from "./operations/index.ts";
import { type Plan, type Step, type Typed, applyStep, inputsOf } from "./plan.ts";
import { LARGEST, Scope, type Shared } from "./scope.ts";

/** What a plan is drawn for. */
export interface DrawOptions {
  /** Draws only what JAX is not listed as different for. */
  readonly forJax?: boolean;
}

/** The share of programs whose inputs hold infinities, NaN, subnormals and extremes. */
const SPECIAL = 0.25;
/** The share of programs with long arrays. */
const LONG = 0.3;
/** Beyond this, sums cancel and exponentials overflow: most steps that lead there are not taken. */
const TALLEST = 100;

/** The plan of a seed. */
export function drawPlan(seed: number, { forJax = false }: DrawOptions = {}): Plan {
  const random = seededRandom("program", seed);
  const values = new Map<number, Value>();
  const shared: Shared = {
    random,
    inputs: [],
    nextId: 0,
    special: random.uniform() < SPECIAL,
    long: seededRandom("long", seed).uniform() < LONG,
    fill: (scope, steps) => fill(scope, steps, forJax),
    add: (scope, op, choice) => addStep(scope, op, choice, values),
  };
  const scope = new Scope(shared, [], { smooth: false, depth: 0 });
  fill(scope, 1 + Math.min(random.integer(0, 10), random.integer(0, 14)), forJax);
  const read = new Set(scope.steps.flatMap(({ args }) => args));
  const made = scope.steps.flatMap(({ outs }) => outs.map(({ id }) => id));
  const results = made.filter((id) => !read.has(id) || random.uniform() < 0.3);
  return withoutUnread({ inputs: shared.inputs, steps: scope.steps, results });
}

function pickOperation(random: Random): string {
  const total = KINDS.reduce((sum, [weight]) => sum + weight, 0);
  let at = random.integer(0, total);
  const [, table] = KINDS.find(([weight]) => (at -= weight) < 0)!;
  const names = Object.keys(table);
  return names[random.integer(0, names.length)];
}

function fill(scope: Scope, count: number, forJax: boolean): void {
  const goal = scope.steps.length + count;
  for (let attempt = 0; scope.steps.length < goal && attempt < 4 * count; attempt++) {
    const op = pickOperation(scope.shared.random);
    const choice = operations[op].draw(scope);
    if (!choice) continue;
    const { args, attrs = {}, blocks = [] } = choice;
    if (forJax && !hasPython(op, { args, attrs, blocks })) continue;
    scope.shared.add(scope, op, { args, attrs, blocks });
  }
}

function hasPython(op: string, { args, attrs, blocks }: Pick<Step, "args" | "attrs" | "blocks">) {
  const names = args.map((id) => `v${id}`);
  const outs = [{ id: 0, shape: [], dtype: "float32" as const }];
  const step = { blocks: blocks.map(() => "f"), operands: [], outs };
  return Boolean(operations[op].python(names, attrs, step));
}

/** Adds a step unless its results are too large, or so tall that errors would hide behind them. */
function addStep(
  scope: Scope,
  op: string,
  choice: Pick<Step, "args" | "attrs" | "blocks">,
  values: Map<number, Value>,
): readonly Typed[] {
  const { shared, visible } = scope;
  const environment = new Map(visible.map((value) => [value.id, new Tensor(specOf(value))]));
  for (const input of shared.inputs) environment.set(input.id, new Tensor(specOf(input)));
  const args = choice.args.map((id) => environment.get(id)!);
  let made: readonly Tensor[];
  try {
    made = applyStep(operations, { op, ...choice }, args, environment);
  } catch (error) {
    // what a drawn block does with its own parameters may be what the language refuses
    if (error instanceof OcelliError && ["shape", "not-differentiable"].includes(error.code))
      return [];
    throw error;
  }
  if (made.length === 0 || made.some(({ shape }) => sizeOf(shape) > LARGEST)) return [];
  const outs = made.map(({ shape, dtype }) => ({ id: shared.nextId++, shape, dtype }));
  const step = { op, ...choice, outs };
  if (scope.manner.depth === 0 && !isTame(shared, step, values)) return [];
  scope.steps.push(step);
  visible.push(...outs);
  return outs;
}

/** Computes a step of the outermost level; whether its results are small and finite, as all but a few should be. */
function isTame(shared: Shared, step: Step, values: Map<number, Value>): boolean {
  const plan = { inputs: shared.inputs, steps: [], results: [] };
  inputsOf(plan).forEach((array, i) => {
    const { id } = shared.inputs[i];
    if (!values.has(id)) values.set(id, decode(array));
  });
  const known = [...values];
  const { program } = trace(
    (...tensors: Tensor[]) => {
      const environment = new Map(known.map(([id], i) => [id, tensors[i]]));
      const args = step.args.map((id) => environment.get(id)!);
      return [...applyStep(operations, step, args, environment)];
    },
    ...known.map(([, value]) => specOf(value)),
  );
  const results = interpretProgram(
    program,
    known.map(([, value]) => value),
  );
  const tame = results.every(({ data, dtype }) => {
    if (!isFloat(dtype)) return true;
    return data.every((x) => Math.abs(x) <= TALLEST);
  });
  if (!tame && shared.random.uniform() > (shared.special ? 0.8 : 0.1)) return false;
  step.outs.forEach(({ id }, i) => values.set(id, results[i]));
  return true;
}
