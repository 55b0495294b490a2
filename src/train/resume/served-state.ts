/** @file The state that a run serves: written for prediction and export, and brought back to be judged. */

import type { Engine } from "../../engines/engine.ts";
import { type Checkpoint, checkpointChunks } from "../../weights/checkpoint.ts";
import { readCheckpointFile } from "../../weights/checkpoint-file.ts";
import type { BestWatch } from "../watch/best.ts";
import { type TreeReader, disposeTree, uploadTree } from "../../served/device-trees.ts";
import type { Plan } from "../plan/plan.ts";
import { type DeviceState, servedArrays } from "../programs.ts";
import type { RunFolder } from "../devices/follower.ts";

/** What serving needs of a training. */
interface Serving {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly run: RunFolder;
}

/** The state that is served, on the device, and its step: that of the best value, or else the last. */
export async function servedState(
  { run, engine }: Serving,
  best: BestWatch,
  last: DeviceState,
  step: number,
): Promise<{ readonly served: DeviceState; readonly of: number; dispose(): void }> {
  if (!best.state || best.state.step === step) {
    return { served: last, of: step, dispose: () => undefined };
  }
  const file = run.path("checkpoint");
  const { card, params, variables } = readCheckpointFile(file, file);
  const arrays = await uploadTree(engine, { params, variables });
  const served = { ...last, ...arrays, optimizer: {} };
  return { served, of: card.step, dispose: () => disposeTree(arrays) };
}

/** Saves what prediction and export take. */
export async function saveServed(
  { plan, run }: Serving,
  state: DeviceState,
  step: number,
  read: TreeReader,
): Promise<void> {
  const { params, variables } = servedArrays(state, plan.objective);
  const reading = await read({ params, variables });
  const arrays = (await reading.arrays) as Pick<Checkpoint, "params" | "variables">;
  await run.writeCheckpoint(checkpointChunks({ card: { ...plan.card, step }, ...arrays }));
}
