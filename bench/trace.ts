/** @file How long it takes to trace, differentiate and simplify a training step; nothing is compiled. */

import { type Tensor, simplify, trace } from "../src/graph/index.ts";
import type { TrainState } from "../src/train/step.ts";
import { unflatten } from "../src/tree.ts";
import { benchKey, makeWorkload } from "./workload.ts";

/** Milliseconds of the first and the later times in one process, and how many equations there are. */
export interface TraceTimes {
  readonly first: number;
  readonly later: readonly number[];
  readonly equations: { readonly traced: number; readonly simplified: number };
}

/** Traces and simplifies the step `pairs` times. */
export function traceTimes(options: {
  model: string;
  size: number;
  batch: number;
  pairs: number;
}): TraceTimes {
  const { init, step, specs } = makeWorkload(options.model, options.size, options.batch);
  const traced = trace(init, benchKey());
  const state = unflatten<Tensor>(traced.outputs, traced.program.outputs) as TrainState;
  let equations = { traced: 0, simplified: 0 };
  const once = (): number => {
    const start = performance.now();
    const { program } = trace(step, state, specs);
    const simplified = simplify(program);
    equations = { traced: program.equations.length, simplified: simplified.equations.length };
    return performance.now() - start;
  };
  const first = once();
  const later = Array.from({ length: Math.max(options.pairs - 1, 1) }, once);
  return { first, later, equations };
}
