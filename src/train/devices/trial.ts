/** @file The engine that a training takes by itself: where there is an accelerator, a step is timed on each device. */

import { type Candidate, type Choice, openFastest } from "../../engines/fastest.ts";
import { type Engine, jit } from "../../engines/engine.ts";
import { sizeOf, typedArray } from "../../graph/dtype.ts";
import type { Config } from "../../config/config.ts";
import { disposeTree, readScalars, uploadTree } from "../../served/device-trees.ts";
import type { Plan } from "../plan/plan.ts";
import { type Stepped, firstState } from "../programs.ts";
import { makeTrainStep } from "../step.ts";

/** Steps before the one that is timed: the first compiles. */
const WARM_UP = 2;

/** Milliseconds of a training step over blank images. */
async function timeStep(engine: Engine, config: Config, plan: Plan): Promise<number> {
  const { objective, optimizer, batchSpec } = plan;
  const step = jit(engine, makeTrainStep(objective, optimizer), { donate: [0] });
  const blank = Object.fromEntries(
    Object.entries(batchSpec).map(([name, { shape, dtype }]) => {
      return [name, { shape, dtype, data: typedArray(dtype, sizeOf(shape)) }] as const;
    }),
  );
  const batch = await uploadTree(engine, blank);
  let state = await firstState(engine, config, plan);
  let ms = 0;
  for (let i = 0; i <= WARM_UP; i++) {
    const began = performance.now();
    const next = (await step(state, batch)) as unknown as Stepped;
    await readScalars(next.metrics);
    state = next.state;
    ms = performance.now() - began;
  }
  disposeTree(state);
  disposeTree(batch);
  return ms;
}

/** Opens the fastest of some devices for a training. */
export function openForTraining(
  config: Config,
  plan: Plan,
  candidates: readonly Candidate[],
): Promise<Choice> {
  const size = `${plan.parameters} parameters, batches of ${config.batchSize}`;
  return openFastest(candidates, size, (engine) => timeStep(engine, config, plan));
}
