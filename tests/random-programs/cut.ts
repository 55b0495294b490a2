/** @file Plans without what nobody reads. */

import type { Block, Plan, Step } from "./plan.ts";

/** The values that steps read, those of their blocks included. */
function readBy(steps: readonly Step[]): Set<number> {
  const read = new Set<number>();
  const visit = (list: readonly Step[]): void => {
    for (const { args, blocks } of list) {
      for (const id of args) read.add(id);
      for (const block of blocks) {
        for (const id of block.results) read.add(id);
        visit(block.steps);
      }
    }
  };
  visit(steps);
  return read;
}

/** Steps that lead to results; blocks are cleaned, too. */
function liveSteps(steps: readonly Step[], results: readonly number[]): Step[] {
  const wanted = new Set(results);
  const live: Step[] = [];
  for (const step of [...steps].reverse()) {
    if (!step.outs.some(({ id }) => wanted.has(id))) continue;
    const blocks = step.blocks.map((block): Block => ({
      ...block,
      steps: liveSteps(block.steps, block.results),
    }));
    const kept = { ...step, blocks };
    for (const id of readBy([kept])) wanted.add(id);
    live.unshift(kept);
  }
  return live;
}

/** A plan without the steps and inputs that its results do not depend on. */
export function withoutUnread(plan: Plan): Plan {
  const steps = liveSteps(plan.steps, plan.results);
  const read = new Set([...readBy(steps), ...plan.results]);
  return { ...plan, steps, inputs: plan.inputs.filter(({ id }) => read.has(id)) };
}
