/** @file The compiled programs of a training: its first state, its step, its evaluations. */

import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { randomKey } from "../graph/index.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { Config } from "./config.ts";
import { disposeTree, uploadTree } from "./device.ts";
import { type Values, createEvaluation } from "./evaluation.ts";
import type { Plan } from "./plan.ts";
import { type TrainState, makeInit, makeTrainStep } from "./step.ts";

/** The state's arrays on the device. */
export type DeviceState = { readonly [K in keyof TrainState]: Tree<DeviceArray> };

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
  run(state: DeviceState): Promise<Values>;
}

/** The state before the first step: initialised, or with the arrays of another run. */
export async function firstState(
  engine: Engine,
  { seed }: Config,
  { objective, optimizer, batchSpec, initial }: Plan,
): Promise<DeviceState> {
  const options = { name: "initialise" };
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

/** The step, with the preprocessing on the device in front; it gives up the state that it is given. */
export function compileStep(engine: Engine, { objective, optimizer, preprocessing }: Plan) {
  const step = makeTrainStep(objective, optimizer);
  const run = jit(
    engine,
    (state: TrainState, batch: DeviceFeatures) => step(state, preprocessing.train.onDevice(batch)),
    { donate: [0], name: "train step" },
  );
  return async (state: DeviceState, batch: Tree<DeviceArray>): Promise<Stepped> =>
    (await run(state, batch)) as unknown as Stepped;
}

/** The evaluations of a plan; each is compiled at its first run. */
export function createEvaluations(
  engine: Engine,
  { batchSize, seed }: Config,
  { evaluations, evaluator, evaluate: forward, preprocessing }: Plan,
): ReadyEvaluation[] {
  const common = { engine, evaluator, forward, batchSize, seed, preprocessing: preprocessing.eval };
  return evaluations.map(({ name, source, every }) => {
    const evaluate = createEvaluation({ ...common, source });
    return { name, every, run: (state) => evaluate(servedArrays(state)) };
  });
}

/** What is evaluated and saved: the parameters, or their moving average where the optimiser keeps one. */
export function servedArrays({ params, variables, optimizer }: DeviceState) {
  const { average } = optimizer as { average?: Readonly<Record<string, DeviceArray>> };
  const served = average ? fromFlat({ ...toFlat<DeviceArray>(params), ...average }) : params;
  return { params: served, variables };
}
