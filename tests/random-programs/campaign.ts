/** @file Runs the programs of many seeds, and cuts down those that go wrong. */

import { debugSink } from "../../src/graph/index.ts";
import { type Verdict, compare, expectationOf } from "./check.ts";
import type { Contender } from "./contenders.ts";
import { drawPlan } from "./generate.ts";
import { operations } from "./operations/index.ts";
import { type Plan, buildPlan, inputsOf } from "./plan.ts";
import { shrink } from "./shrink.ts";

/** A program that went wrong. */
export interface Failure {
  readonly seed: number;
  readonly plan: Plan;
  readonly problem: string;
}

/** What a campaign saw. */
export interface Tally {
  programs: number;
  elements: number;
  /** Elements of which nothing is promised. */
  open: number;
  /** Elements that are promised within a thousandth of their array's size. */
  tight: number;
  failures: number;
}

/** Holds a plan on a contender against the interpreter; an error counts as a problem. */
export async function judge(contender: Contender, plan: Plan): Promise<Verdict> {
  const program = buildPlan(operations, plan);
  const inputs = inputsOf(plan);
  const expected = expectationOf(program, inputs, contender);
  try {
    return compare(await contender.run(plan, program, inputs), expected);
  } catch (error) {
    return { elements: 0, open: 0, tight: 0, problem: describeError(error) };
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `fails: ${String(error)}`;
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `fails: ${error.message}${cause}`;
}

/** A smaller plan that goes wrong in the same way: by an error, or by a wrong result. */
export async function reduce(
  contender: Contender,
  { seed, plan, problem }: Failure,
  mostRuns?: number,
): Promise<Failure> {
  const isError = problem.startsWith("fails: ");
  let last = problem;
  const smallest = await shrink(
    plan,
    async (candidate) => {
      const found = (await judge(contender, candidate)).problem;
      if (found === undefined || found.startsWith("fails: ") !== isError) return false;
      last = found;
      return true;
    },
    mostRuns,
  );
  return { seed, plan: smallest, problem: last };
}

/** Runs the programs of `count` seeds; each failure is handed on as it was drawn. */
export async function runSeeds(
  contender: Contender,
  from: number,
  count: number,
  report: (failure: Failure, tally: Tally) => Promise<void> | void,
  progress?: (seed: number, tally: Tally) => void,
): Promise<Tally> {
  debugSink.write = () => undefined;
  const tally: Tally = { programs: 0, elements: 0, open: 0, tight: 0, failures: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const plan = drawPlan(seed, { forJax: contender.forJax });
    const { elements, open, tight, problem } = await judge(contender, plan);
    tally.programs++;
    tally.elements += elements;
    tally.open += open;
    tally.tight += tight;
    if (problem !== undefined) {
      tally.failures++;
      await report({ seed, plan, problem }, tally);
    }
    progress?.(seed, tally);
  }
  return tally;
}
