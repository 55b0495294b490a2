/** @file The compiled programs of a training: its first state, its step, its evaluations. */

import type { BatchOptions } from "../data/stream/batches.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { type Tensor, fromNumbers, randomKey, specOf, trace } from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import { type Objective, type ObjectiveArrays, objectiveAt } from "../objectives/index.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { Config } from "../config/config.ts";
import { disposeTree, replaceTree, uploadTree } from "../served/device-trees.ts";
import { type Values, createEvaluation } from "../served/pass.ts";
import type { Recorder } from "../tasks/index.ts";
import type { Plan } from "./plan/plan.ts";
import { type StateSharding, shardState } from "./devices/sharding.ts";
import type { LoopState } from "./resume/loop-state.ts";
import type { StoredState } from "../weights/checkpoint-state.ts";
import { type TrainState, makeInit, makeTrainStep } from "./step.ts";

/** The state's arrays on the device. */
export type DeviceState = { readonly [K in keyof TrainState]: Tree<DeviceArray> };

/** The step's name among an engine's programs. */
export const TRAIN_STEP = "train step";

/** How names of the state begin among what a step yields. */
const STATE = "state/";

/** What a step yields: scalars by name, maybe still pending. */
export interface Stepped {
  readonly state: DeviceState;
  readonly metrics: Readonly<Record<string, DeviceArray>>;
}

/** An evaluation ready to run. */
export interface ReadyEvaluation {
  readonly name: string;
  /** Steps between two runs of it; undefined for the end alone. */
  readonly every: number | undefined;
  /** `record` lets the plan's recorder see every batch. */
  run(state: DeviceState, options?: { readonly record?: boolean }): Promise<Values>;
}

/** The state before the first step: initialised, or with arrays from elsewhere. */
export async function firstState(engine: Engine, config: Config, plan: Plan): Promise<DeviceState> {
  const { objective, optimizer, batchSpec, initial, lossScale } = plan;
  const start = (brought: Brought): TrainState => {
    const init: Objective["init"] = (key, batch, given) => {
      const own = objective.init(key, batch, given);
      const { params = {}, variables } = brought.initial ?? {};
      return {
        params: fromFlat<Tensor>({ ...toFlat<Tensor>(own.params), ...toFlat<Tensor>(params) }),
        variables: { ...own.variables, ...variables },
      };
    };
    const first = makeInit({ ...objective, init }, optimizer, batchSpec, { lossScale });
    return first(randomKey(config.seed), brought.given);
  };
  const arrays = await uploadTree(engine, {
    ...(initial && { initial }),
    ...(objective.given && { given: objective.given }),
  });
  const options = { name: "initialise", shardOutput: stateSharding(engine, config, plan) };
  const state = (await jit(engine, start, options)(arrays)) as DeviceState;
  disposeTree(arrays);
  return state;
}

/** Arrays that a first state takes from elsewhere. */
interface Brought {
  readonly initial?: { readonly params: Params; readonly variables: Params };
  readonly given?: Params;
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

/** How names of averaged variables begin among those of a state, of the variables themselves, and of the loss scale. */
const [AVERAGES, VARIABLES, SCALE] = ["averageVariables/", "variables/", "lossScale/"];

/** A state as a checkpoint holds it. */
export type StoredLoop = StoredState<LoopState>;

/**
 * The state of a checkpoint on the device, in the place of a first one, which is given up. What an older version did not
 * keep begins here, and `note` says so: averages of statistics with the statistics themselves, a loss scale as in a new run.
 */
export async function restoreState(
  engine: Engine,
  first: DeviceState,
  { arrays }: StoredLoop,
  note: (line: string) => void,
): Promise<DeviceState> {
  const leaves = toFlat<DeviceArray>(first);
  /** The names of this beginning, where the checkpoint has none of them. */
  const lacking = (beginning: string): string[] => {
    const names = Object.keys(leaves).filter((name) => name.startsWith(beginning));
    return names.some((name) => Object.hasOwn(arrays, name)) ? [] : names;
  };
  const averages = lacking(AVERAGES);
  if (averages.length > 0)
    note("the checkpoint has no averages of statistics: they begin with its statistics");
  const begun = averages.flatMap((name) => {
    const from = VARIABLES + name.slice(AVERAGES.length);
    return Object.hasOwn(arrays, from) ? [[name, arrays[from]] as const] : [];
  });
  const scale = lacking(SCALE);
  if (scale.length > 0) note("the checkpoint has no loss scale: it begins as in a new run");
  const added = scale.map((name) => [name, leaves[name]] as const);
  return replaceTree(engine, "the checkpoint", first, {
    ...arrays,
    ...Object.fromEntries([...begun, ...added]),
  });
}

/**
 * The step, with the preprocessing on the device in front; it gives up the state that it is given. A form of the
 * objective is compiled when its first step comes. `step` counts from 0; `updates` is that of {@link makeTrainStep}.
 */
export function compileStep(engine: Engine, config: Config, plan: Plan) {
  const { accumulate } = config;
  const { optimizer, preprocessing, lossScale } = plan;
  const { growthInterval } = lossScale ?? {};
  const sharding = stateSharding(engine, config, plan);
  const compile = (objective: Objective) => {
    const take = makeTrainStep(objective, optimizer, { accumulate, growthInterval });
    return jit(
      engine,
      (state: TrainState, batch: DeviceFeatures, updates: Tensor) =>
        take(state, preprocessing.train.onDevice(batch), updates),
      {
        donate: [0],
        name: TRAIN_STEP,
        shardOutput: (name, leaf) =>
          name.startsWith(STATE) ? sharding(name.slice(STATE.length), leaf) : undefined,
      },
    );
  };
  const compiled = new Map<Objective, ReturnType<typeof compile>>();
  return async (
    state: DeviceState,
    batch: Tree<DeviceArray>,
    step: number,
    updates: number,
  ): Promise<Stepped> => {
    const objective = objectiveAt(plan.objective, step);
    const run = compiled.get(objective) ?? compile(objective);
    compiled.set(objective, run);
    return (await run(state, batch, fromNumbers([updates], [], "int32"))) as unknown as Stepped;
  };
}

/** How examples are made ready, and what becomes of those that cannot be. */
export type Loading = Pick<BatchOptions, "workers" | "onBadImage" | "problems">;

/**
 * The evaluations of a plan; each is compiled at its first run.
 *
 * @param recorder keeps what the report shows of the first one
 */
export function createEvaluations(
  engine: Engine,
  { seed }: Config,
  { objective, evaluations, recorded }: Plan,
  loading: Loading,
  recorder: Recorder | undefined,
): ReadyEvaluation[] {
  return evaluations.map(({ name, every, streams, ...evaluation }, i) => {
    const batched = Object.entries(streams).map(([stream, options]) => {
      return [stream, { ...loading, seed, ...options }] as const;
    });
    const { ofObjective } = evaluation;
    const evaluate = createEvaluation({
      ...{ engine, ...evaluation, streams: Object.fromEntries(batched) },
      recorder: i === recorded && !ofObjective ? recorder : undefined,
    });
    const run: ReadyEvaluation["run"] = (state, options) =>
      evaluate(
        ofObjective
          ? { ...evaluatedArrays(state), key: state.key, step: state.step }
          : servedArrays(state, objective),
        options,
      );
    return { name, every, run };
  });
}

/** What is saved and evaluated as a model: of {@link evaluatedArrays} those that the objective serves. */
export const servedArrays = (
  state: DeviceState,
  { served }: Pick<Objective, "served">,
): ObjectiveArrays<DeviceArray> => {
  const arrays = evaluatedArrays(state);
  return served ? served(arrays) : arrays;
};

/** All parameters and variables of the objective: their moving averages where the optimiser keeps them. */
export function evaluatedArrays({
  params,
  variables,
  optimizer,
  averageVariables = {},
}: DeviceState): ObjectiveArrays<DeviceArray> {
  const { average = {} } = optimizer as { average?: Readonly<Record<string, DeviceArray>> };
  const overlaid = (now: Tree<DeviceArray>, mean: Tree<DeviceArray>): Tree<DeviceArray> =>
    fromFlat({ ...toFlat<DeviceArray>(now), ...toFlat<DeviceArray>(mean) });
  return {
    params: overlaid(params, average),
    variables: overlaid(variables, averageVariables),
  };
}
