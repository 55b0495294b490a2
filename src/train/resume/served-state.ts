/** @file The state that a run serves: written for prediction and export, and brought back to be judged. */

import type { Config } from "../../config/config.ts";
import type { DeviceArray, Engine } from "../../engines/engine.ts";
import type { Spec } from "../../graph/index.ts";
import { fromFlat, toFlat } from "../../tree.ts";
import { objectiveSpecs } from "../plan/reading.ts";
import type { ObjectiveArrays } from "../../objectives/index.ts";
import { cardJson } from "../../weights/model-card.ts";
import { type Checkpoint, checkpointChunks } from "../../weights/checkpoint.ts";
import { readCheckpointFile } from "../../weights/checkpoint-file.ts";
import type { BestWatch } from "../watch/best.ts";
import { type TreeReader, disposeTree, uploadTree } from "../../served/device-trees.ts";
import type { Plan } from "../plan/plan.ts";
import { type DeviceState, evaluatedArrays, servedArrays } from "../programs.ts";
import type { RunFolder } from "../devices/follower.ts";

/** What serving needs of a training. */
interface Serving {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly run: RunFolder;
}

/** Whether the best state is kept with all that the objective owns: evaluations read it at the end. */
const keepsObjective = ({ best, evaluations }: Plan): boolean =>
  best !== undefined && evaluations.some(({ ofObjective }) => ofObjective);

/** The state that is served, on the device, and its step: that of the best value, or else the last. */
export async function servedState(
  { run, engine, plan }: Serving,
  best: BestWatch,
  last: DeviceState,
  step: number,
): Promise<{ readonly served: DeviceState; readonly of: number; dispose(): void }> {
  if (!best.state || best.state.step === step) {
    return { served: last, of: step, dispose: () => undefined };
  }
  const file = run.path(keepsObjective(plan) ? "best" : "checkpoint");
  const { card, params, variables } = readCheckpointFile(file, file);
  const arrays = await uploadTree(engine, { params, variables });
  const { averageVariables: _, ...rest } = last; // averages are in the file already
  const served = { ...rest, ...arrays, optimizer: {} };
  return { served, of: card.step, dispose: () => disposeTree(arrays) };
}

/**
 * What a run's `card.json` says: the model, what it is judged by, and where the state of a training holds the arrays that
 * are served, by their names, where it holds them under others.
 */
export function describeServed(
  { card, headline, objective, batchSpec, source }: Plan,
  { batchSize }: Pick<Config, "batchSize">,
): object {
  const names = Object.keys(toFlat<Spec>(objectiveSpecs(objective, batchSpec)));
  const held = fromFlat<string>(Object.fromEntries(names.map((name) => [name, name])));
  const { params = {}, variables = {} } = held as Partial<ObjectiveArrays<string>>;
  const served = objective.served?.({ params, variables }) ?? { params, variables };
  const moved = Object.entries(toFlat<string>(served)).filter(([name, from]) => name !== from);
  return {
    ...cardJson({ ...card, step: 0 }),
    headline,
    perEpoch: source.length / batchSize,
    ...(moved.length > 0 && { arrays: Object.fromEntries(moved) }),
  };
}

/** Saves what prediction and export take. */
export async function saveServed(
  { plan, run }: Serving,
  state: DeviceState,
  step: number,
  read: TreeReader,
): Promise<void> {
  const chunksOf = async ({ params, variables }: ObjectiveArrays<DeviceArray>) => {
    const reading = await read({ params, variables });
    const arrays = (await reading.arrays) as Pick<Checkpoint, "params" | "variables">;
    return checkpointChunks({ card: { ...plan.card, step }, ...arrays });
  };
  if (keepsObjective(plan))
    await run.writeCheckpoint(await chunksOf(evaluatedArrays(state)), "best");
  await run.writeCheckpoint(await chunksOf(servedArrays(state, plan.objective)));
}
