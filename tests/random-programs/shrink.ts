/**
 * @file Cuts a plan that goes wrong down to a minimal one. fast-check would shrink the random choices, and after each
 * change of an early one the rest of the program would be another; here the program itself is cut, and what is left
 * stays as it was.
 */

import { interpretProgram } from "../../src/graph/interpret.ts";
import { decode, encode } from "../../src/graph/values.ts";
import { type Spec, sizeOf, toNumbers } from "../../src/graph/index.ts";
import { sameShape } from "../../src/graph/dtype.ts";
import { withoutUnread } from "./cut.ts";
import { operations } from "./operations/index.ts";
import {
  type Block,
  type Input,
  type Plan,
  type Step,
  type Typed,
  buildPlan,
  inputsOf,
} from "./plan.ts";

/** Whether a plan goes wrong in the way that is looked into. */
export type Fails = (plan: Plan) => Promise<boolean>;

/** A plan that still fails, and of which no part can be left out. */
export async function shrink(plan: Plan, fails: Fails, mostRuns = 600): Promise<Plan> {
  let best = plan;
  let runs = 0;
  for (let improved = true; improved && runs < mostRuns;) {
    improved = false;
    for (const candidate of candidates(best)) {
      const cut = withoutUnread(candidate);
      if (weight(cut) >= weight(best) || !builds(cut)) continue;
      if (++runs > mostRuns) break;
      if (await fails(cut)) {
        best = cut;
        improved = true;
        break;
      }
    }
  }
  return best;
}

/** What shrinking lowers: results, steps, attributes, then the numbers of inputs. */
function weight(plan: Plan): number {
  const steps = (list: readonly Step[]): number =>
    list.reduce((sum, { args, attrs, blocks }) => {
      const inner = blocks.reduce((n, block) => n + block.results.length + steps(block.steps), 0);
      return sum + 20 + args.length + JSON.stringify(attrs).length / 1e4 + inner;
    }, 0);
  const odd = (x: number) => (x === 0 ? 0 : x === 1 ? 1 : 1 + String(x).length);
  const numbers = plan.inputs.reduce(
    (sum, { values }) => sum + values.reduce((n, x) => n + odd(x), 0) / 1e4,
    plan.inputs.length,
  );
  return steps(plan.steps) + 5 * plan.results.length + numbers;
}

function builds(plan: Plan): boolean {
  try {
    if (plan.results.length === 0) return false;
    buildPlan(operations, plan);
    return true;
  } catch {
    return false;
  }
}

const sameSpec = (a: Spec, b: Spec): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** Smaller plans, those that leave out most first. */
function* candidates(plan: Plan): Generator<Plan> {
  for (const id of plan.results) if (plan.results.length > 1) yield { ...plan, results: [id] };
  const known = valuesOf(plan);
  for (const step of allSteps(plan.steps).reverse()) {
    yield* withoutStep(plan, step, known);
    yield* inlined(plan, step);
    yield* opened(plan, step);
    for (const block of step.blocks) {
      if (block.results.length < 2) continue;
      yield* block.results.map((_, i) => withoutResult(plan, step, block, i));
    }
  }
  for (const input of plan.inputs) {
    const { values } = input;
    const others = [
      values.map(() => 0),
      values.map(() => 1),
      values.map((x) => (Number.isFinite(x) ? Math.round(x) : x)),
      ...values.map((_, i) => values.map((x, k) => (k === i ? 0 : x))),
      ...values.map((_, i) => values.map((x, k) => (k === i ? 1 : x))),
    ];
    for (const other of others) {
      const inputs = plan.inputs.map((x) => (x === input ? { ...x, values: other } : x));
      yield { ...plan, inputs };
    }
  }
}

const allSteps = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => [...step.blocks.flatMap((block) => allSteps(block.steps)), step]);

/** Rewrites every step; a step may become several, or none. */
function rewrite(
  steps: readonly Step[],
  change: (step: Step) => readonly Step[],
  rename: ReadonlyMap<number, number>,
): Step[] {
  const other = (id: number): number => rename.get(id) ?? id;
  return steps.flatMap((step) =>
    change(step).map((kept) => ({
      ...kept,
      args: kept.args.map(other),
      blocks: kept.blocks.map((block): Block => ({
        params: block.params,
        steps: rewrite(block.steps, change, rename),
        results: block.results.map(other),
      })),
    })),
  );
}

function changed(
  plan: Plan,
  change: (step: Step) => readonly Step[],
  rename: ReadonlyMap<number, number>,
  more: readonly Input[] = [],
): Plan {
  return {
    inputs: [...plan.inputs, ...more],
    steps: rewrite(plan.steps, change, rename),
    results: plan.results.map((id) => rename.get(id) ?? id),
  };
}

/** A plan without a step: its results are those of an operand, or inputs that hold what they held. */
function* withoutStep(
  plan: Plan,
  step: Step,
  known: ReadonlyMap<number, number[]>,
): Generator<Plan> {
  const drop = (other: Step): readonly Step[] => (other === step ? [] : [other]);
  const specs = specsOf(plan);
  const alike = step.outs.map((out) => step.args.find((id) => sameSpec(specs.get(id)!, out)));
  if (alike.every((id) => id !== undefined)) {
    yield changed(plan, drop, new Map(step.outs.map(({ id }, i) => [id, alike[i]!])));
  }
  const read = step.outs.map((out) => ({
    ...out,
    values: known.get(out.id) ?? pattern(out),
  }));
  yield changed(plan, drop, new Map(), read);
}

/** A plan with a region's steps in the place of the region, where operands and parameters are alike. */
function* inlined(plan: Plan, step: Step): Generator<Plan> {
  const specs = specsOf(plan);
  for (const block of step.blocks) {
    const args = step.args.slice(step.args.length - block.params.length);
    const fits =
      args.length === block.params.length &&
      block.params.every((param, i) => sameSpec(param, specs.get(args[i])!)) &&
      block.results.length === step.outs.length &&
      block.results.every((id, i) => sameSpec(specs.get(id)!, step.outs[i]));
    if (!fits) continue;
    const rename = new Map<number, number>(block.params.map(({ id }, i) => [id, args[i]]));
    block.results.forEach((id, i) => rename.set(step.outs[i].id, rename.get(id) ?? id));
    yield changed(plan, (other) => (other === step ? block.steps : [other]), rename);
  }
}

/** A plan that ends with what a block of an outermost step does, its parameters being inputs. */
function* opened(plan: Plan, step: Step): Generator<Plan> {
  const at = plan.steps.indexOf(step);
  if (at < 0) return;
  for (const { params, steps, results } of step.blocks) {
    const inputs = [
      ...plan.inputs,
      ...params.map((param) => ({ ...param, values: pattern(param) })),
    ];
    yield { inputs, steps: [...plan.steps.slice(0, at), ...steps], results };
  }
}

/** Numbers for what was computed before. */
const pattern = ({ shape }: Spec): number[] =>
  Array.from({ length: sizeOf(shape) }, (_, i) => (i % 3) / 2);

/** A plan whose block returns one thing less; what read it is dropped with it where the step's results are those. */
function withoutResult(plan: Plan, step: Step, block: Block, i: number): Plan {
  const blocks = step.blocks.map((other) => ({
    ...other,
    results: other.results.filter(
      (_, k) => k !== i || other.results.length !== block.results.length,
    ),
  }));
  const shift = step.outs.length - block.results.length;
  const outs =
    step.op === "grad" || step.op === "vjp"
      ? step.outs
      : step.outs.filter((_, k) => k !== i + shift);
  return changed(
    plan,
    (other) => (other === step ? [{ ...step, blocks, outs }] : [other]),
    new Map(),
  );
}

/** The specs of everything that has a name. */
function specsOf(plan: Plan): Map<number, Typed> {
  const blocks = allSteps(plan.steps).flatMap((step) => step.blocks);
  const all = [
    ...plan.inputs,
    ...allSteps(plan.steps).flatMap(({ outs }) => outs),
    ...blocks.flatMap(({ params }) => params),
  ];
  return new Map(all.map((value) => [value.id, value]));
}

/** What the outermost steps' results hold. */
function valuesOf(plan: Plan): Map<number, number[]> {
  const results = plan.steps.flatMap(({ outs }) => outs.map(({ id }) => id));
  const program = buildPlan(operations, { ...plan, results });
  const values = interpretProgram(program, inputsOf(plan).map(decode));
  return new Map(results.map((id, i) => [id, toNumbers(encode(values[i]))]));
}
