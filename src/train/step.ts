/** @file The programs of a training: initialisation, one step, one evaluation. Pure functions over symbolic tensors. */

import {
  type Tensor,
  add,
  convert,
  equal,
  foldIn,
  isFinite,
  less,
  logicalAnd,
  logicalNot,
  logicalOr,
  scalar,
  select,
  splitKey,
} from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import type {
  Batch,
  BatchSpec,
  LossOutputs,
  Objective,
  ObjectiveArrays,
} from "../objectives/index.ts";
import { type Named, type Optimizer, type OptimizerState, globalNorm } from "../optim/index.ts";
import { type Tree, flatten, fromFlat, toFlat, unflatten } from "../tree.ts";
import { type Gradients, accumulateGradients } from "./accumulate.ts";
import { gradientsAt } from "./gradients.ts";

/** All that a training carries from step to step. */
export type TrainState = {
  readonly params: Params;
  readonly variables: Params;
  readonly optimizer: OptimizerState;
  /** The moving average of the model's own float32 variables, where the optimiser keeps one of its parameters. */
  readonly averageVariables?: Params;
  /** Updates made, an int32 scalar. */
  readonly step: Tensor;
  /** uint32[2]; every step folds its number in. */
  readonly key: Tensor;
};

/** Folded into the key of a step for what an objective does after the update. */
const AFTER = 0x61667465;

/** What an evaluation of an objective is computed from. */
export type EvaluatedState = Pick<TrainState, "params" | "variables" | "step" | "key">;

/** Scalars by name. */
export type Metrics = Readonly<Record<string, Tensor>>;

/** Options of {@link makeTrainStep}. */
export interface TrainStepOptions {
  /** Parts into which a batch is cut; their gradients are averaged before the one update. Default: 1. */
  readonly accumulate?: number;
}

/** The program from a key, uint32[2], and the arrays of `objective.given` to the first state. */
export const makeInit =
  (objective: Objective, optimizer: Optimizer, batch: BatchSpec) =>
  (key: Tensor, given?: Params): TrainState => {
    const [forModel, forSteps] = splitKey(key);
    const { params, variables } = objective.init(forModel, batch, given);
    return {
      params,
      variables,
      optimizer: optimizer.init(toFlat(params)),
      ...(optimizer.average && {
        averageVariables: fromFlat<Tensor>(averaged(objective, { params, variables })),
      }),
      step: scalar(0, "int32"),
      key: forSteps,
    };
  };

/** The variables that are averaged beside the parameters, by flat name: the model's own statistics. */
const averaged = ({ served }: Objective, arrays: ObjectiveArrays<Tensor>): Named =>
  Object.fromEntries(
    Object.entries(toFlat<Tensor>((served ? served(arrays) : arrays).variables)).filter(
      ([, { dtype }]) => dtype === "float32",
    ),
  );

/**
 * The program of one step: (state, batch) to the next state and metrics: the objective's, `loss`, `gradNorm` (before
 * clipping), `learningRate`, and `skipped`, 1 where loss or gradient norm is not finite and the state stays as it was.
 *
 * Given `updates`, an int32 scalar that is not negative, a step whose state has made another number of updates is left
 * out as well: so a caller that reads metrics late finds the state still as it was before the step that was skipped.
 */
export const makeTrainStep =
  (objective: Objective, optimizer: Optimizer, { accumulate = 1 }: TrainStepOptions = {}) =>
  (state: TrainState, batch: Batch, updates?: Tensor): { state: TrainState; metrics: Metrics } => {
    const { step } = state;
    const params = toFlat<Tensor>(state.params);
    const trainable = optimizer.trainable(params);
    const stepKey = foldIn(state.key, step);
    const take = (point: Named): Gradients => {
      const gradients = gradientsAt({ objective, params, trainable: point, step });
      return accumulate === 1
        ? gradients(state.variables, batch, stepKey)
        : accumulateGradients(gradients, accumulate, point, state.variables, batch, stepKey);
    };
    const { grads: first, loss, metrics, variables } = take(trainable);
    const { second } = optimizer;
    const grads = second
      ? second.combine(first, take(second.at(trainable, first, { step })).grads)
      : first;
    const gradNorm = globalNorm(grads);
    const finite = logicalAnd(isFinite(loss), isFinite(gradNorm));
    const goes = updates
      ? logicalAnd(finite, logicalOr(less(updates, 0), equal(updates, step)))
      : finite;
    const result = optimizer.update(grads, state.optimizer, params, { step });
    const moved = Object.entries(result.updates).map(([name, update]) => {
      return [name, add(params[name], update)] as const;
    });
    const { averageVariables: mean } = state;
    const updated: ObjectiveArrays<Tensor> = {
      params: fromFlat({ ...params, ...Object.fromEntries(moved) }),
      variables,
    };
    const { after } = objective;
    const context = { before: state, key: foldIn(stepKey, AFTER), step };
    const done = (after ? after(updated, context) : updated) as Pick<
      TrainState,
      "params" | "variables"
    >;
    const next: TrainState = {
      ...done,
      optimizer: result.state,
      ...(optimizer.average &&
        mean && {
          averageVariables: fromFlat<Tensor>(
            optimizer.average(toFlat<Tensor>(mean), averaged(objective, done), { step }),
          ),
        }),
      step: add(step, 1),
      key: state.key,
    };
    return {
      state: selectTree(goes, next, state),
      metrics: {
        ...metrics,
        loss,
        gradNorm,
        learningRate: optimizer.learningRate(step),
        skipped: convert(logicalNot(goes), "float32"),
      },
    };
  };

/** What an objective computes of a batch in evaluation. */
export const evaluateObjective = (
  objective: Objective,
  { params, variables, step, key }: EvaluatedState,
  batch: Batch,
): LossOutputs => objective.loss({ params, variables, batch, key, step, train: false });

/** The program of an evaluation: metrics of a batch, with `loss`. */
export const makeEvalStep =
  (objective: Objective) =>
  (state: EvaluatedState, batch: Batch): Metrics => {
    const { loss, metrics } = evaluateObjective(objective, state, batch);
    return { ...metrics, loss };
  };

/** `next` where the condition holds, else `old`; leaves that are the same need no choice. */
function selectTree<T extends Tree<Tensor>>(condition: Tensor, next: T, old: T): T {
  const { leaves, structure } = flatten<Tensor>(next);
  const before = flatten<Tensor>(old).leaves;
  const chosen = leaves.map((leaf, i) =>
    leaf === before[i] ? leaf : select(condition, leaf, before[i]),
  );
  return unflatten(structure, chosen) as T;
}
