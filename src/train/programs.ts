/** @file The compiled programs of a training: its first state, its step, its evaluations. */

import type { BatchOptions } from "../data/batches.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import {
  type HostArray,
  type Tensor,
  fromNumbers,
  logistic,
  randomKey,
  specOf,
  softmax,
  trace,
} from "../graph/index.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { Config } from "./config.ts";
import { disposeTree, replaceTree, uploadTree } from "./device.ts";
import { type SeenBatch, type Values, createEvaluation } from "./evaluation.ts";
import type { Plan } from "./plan.ts";
import { type StateSharding, shardState } from "./sharding.ts";
import type { LoopState } from "./saver.ts";
import type { StoredState } from "../weights/checkpoint-state.ts";
import { type TrainState, makeInit, makeTrainStep } from "./step.ts";

/** The state's arrays on the device. */
export type DeviceState = { readonly [K in keyof TrainState]: Tree<DeviceArray> };

/** How names of the state begin among what a step yields. */
const STATE = "state/";

/** What a step yields: scalars by name, maybe still pending. */
interface Stepped {
  readonly state: DeviceState;
  readonly metrics: Readonly<Record<string, DeviceArray>>;
}

/** An evaluation ready to run. */
interface ReadyEvaluation {
  readonly name: string;
  /** Steps between two runs of it; undefined for the end alone. */
  readonly every: number | undefined;
  run(state: DeviceState, see?: (batch: SeenBatch) => void): Promise<Values>;
}

/** The state before the first step: initialised, or with the arrays of another run. */
export async function firstState(engine: Engine, config: Config, plan: Plan): Promise<DeviceState> {
  const { seed } = config;
  const { objective, optimizer, batchSpec, initial } = plan;
  const options = { name: "initialise", shardOutput: stateSharding(engine, config, plan) };
  if (!initial) {
    const init = makeInit(objective, optimizer, batchSpec);
    return (await jit(engine, () => init(randomKey(seed)), options)()) as DeviceState;
  }
  const start = (arrays: ReturnType<typeof objective.init>) =>
    makeInit({ ...objective, init: () => arrays }, optimizer, batchSpec)(randomKey(seed));
  const arrays = await uploadTree(engine, initial);
  const state = (await jit(engine, start, options)(arrays)) as DeviceState;
  disposeTree(arrays);
  return state;
}

/** How the state's leaves are split over the engine's mesh, by the configuration's rules. */
function stateSharding(
  { mesh }: Engine,
  { sharding: rules }: Config,
  { objective, batchSpec }: Plan,
): StateSharding {
  if (!mesh) return () => undefined;
  const { program, outputNames } = trace(() => objective.init(randomKey(0), batchSpec).params);
  const specs = outputNames.map((name, i) => [name, specOf(program.outputs[i])] as const);
  return shardState(mesh, rules, Object.fromEntries(specs), objective.stacked(batchSpec));
}

/** A state as a checkpoint holds it. */
export type StoredLoop = StoredState<LoopState>;

/** The state of a checkpoint on the device, in the place of a first one, which is given up. */
export const restoreState = (
  engine: Engine,
  first: DeviceState,
  { arrays }: StoredLoop,
): Promise<DeviceState> => replaceTree(engine, "the checkpoint", first, toFlat<HostArray>(arrays));

/**
 * The step, with the preprocessing on the device in front; it gives up the state that it is given.
 * `updates` is that of {@link makeTrainStep}.
 */
export function compileStep(engine: Engine, config: Config, plan: Plan) {
  const { accumulate } = config;
  const { objective, optimizer, preprocessing } = plan;
  const sharding = stateSharding(engine, config, plan);
  const step = makeTrainStep(objective, optimizer, { accumulate });
  const run = jit(
    engine,
    (state: TrainState, batch: DeviceFeatures, updates: Tensor) =>
      step(state, preprocessing.train.onDevice(batch), updates),
    {
      donate: [0],
      name: "train step",
      shardOutput: (name, leaf) =>
        name.startsWith(STATE) ? sharding(name.slice(STATE.length), leaf) : undefined,
    },
  );
  return async (state: DeviceState, batch: Tree<DeviceArray>, updates: number): Promise<Stepped> =>
    (await run(state, batch, fromNumbers([updates], [], "int32"))) as unknown as Stepped;
}

/** How examples are made ready, and what becomes of those that cannot be. */
export type Loading = Pick<BatchOptions, "workers" | "onBadImage" | "problems">;

/** The evaluations of a plan; each is compiled at its first run. */
export function createEvaluations(
  engine: Engine,
  { batchSize, seed }: Config,
  { evaluations, evaluator, evaluate: forward, preprocessing, card }: Plan,
  loading: Loading,
): ReadyEvaluation[] {
  const batching = { ...loading, batchSize, seed, preprocessing: preprocessing.eval };
  const activate = card.loss === "softmax" ? softmax : logistic;
  const common = { engine, evaluator, forward, activate, ...batching };
  return evaluations.map(({ name, source, every }) => {
    const evaluate = createEvaluation({ ...common, source });
    return { name, every, run: (state, see) => evaluate(servedArrays(state), see) };
  });
}

/** What is evaluated and saved: the parameters, or their moving average where the optimiser keeps one. */
export function servedArrays({ params, variables, optimizer }: DeviceState) {
  const { average } = optimizer as { average?: Readonly<Record<string, DeviceArray>> };
  const served = average ? fromFlat({ ...toFlat<DeviceArray>(params), ...average }) : params;
  return { params: served, variables };
}
