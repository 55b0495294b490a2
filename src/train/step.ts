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
import {
  type LossScale,
  type LossScaling,
  type Named,
  type Optimizer,
  type OptimizerState,
  firstLossScale,
  globalNorm,
  mayOverflow,
  nextLossScale,
} from "../optim/index.ts";
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
  /** The scale of the loss, where it is scaled. */
  readonly lossScale?: LossScale;
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

/** Options of {@link makeInit}. */
export interface InitOptions {
  /** How the loss is scaled. Default: it is not. */
  readonly lossScale?: LossScaling;
}

/** Options of {@link makeTrainStep}. */
export interface TrainStepOptions {
  /** Parts into which a batch is cut; their gradients are averaged before the one update. Default: 1. */
  readonly accumulate?: number;
  /** Updates after which the scale of the loss is doubled, where the state has one. Default: 2000. */
  readonly growthInterval?: number;
}

/** The program from a key, uint32[2], and the arrays of `objective.given` to the first state. */
export const makeInit =
  (objective: Objective, optimizer: Optimizer, batch: BatchSpec, { lossScale }: InitOptions = {}) =>
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
      ...(lossScale && { lossScale: firstLossScale(lossScale) }),
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
 * Where the state has a scale of the loss, `lossScale` is that of this step, and `overflowed` is 1 where the step was left
 * out for its sake; then the scale alone changes.
 *
 * Given `updates`, an int32 scalar that is not negative, a step whose state has made another number of updates (with those
 * that were left out for the scale's sake) is left out as well: so a caller that reads metrics late finds the state still
 * as it was before the step that was skipped.
 */
export const makeTrainStep =
  (objective: Objective, optimizer: Optimizer, options: TrainStepOptions = {}) =>
  (state: TrainState, batch: Batch, updates?: Tensor): { state: TrainState; metrics: Metrics } => {
    const { accumulate = 1, growthInterval = 2000 } = options;
    const { step, lossScale } = state;
    const scale = lossScale?.scale;
    const params = toFlat<Tensor>(state.params);
    const trainable = optimizer.trainable(params);
    const stepKey = foldIn(state.key, step);
    const take = (point: Named): Gradients => {
      const gradients = gradientsAt({ objective, params, trainable: point, step, scale });
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
    const seen = lossScale ? add(step, lossScale.overflows) : step;
    const asked = updates && logicalOr(less(updates, 0), equal(updates, seen));
    const where = (condition: Tensor): Tensor => (asked ? logicalAnd(condition, asked) : condition);
    const goes = where(finite);
    const overflowed =
      lossScale &&
      where(logicalAnd(logicalAnd(isFinite(loss), logicalNot(finite)), mayOverflow(lossScale)));
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
      ...(lossScale && { lossScale }),
      ...(optimizer.average &&
        mean && {
          averageVariables: fromFlat<Tensor>(
            optimizer.average(toFlat<Tensor>(mean), averaged(objective, done), { step }),
          ),
        }),
      step: add(step, 1),
      key: state.key,
    };
    const chosen = selectTree(goes, next, state);
    return {
      state:
        lossScale && overflowed
          ? { ...chosen, lossScale: nextLossScale(lossScale, { growthInterval }, goes, overflowed) }
          : chosen,
      metrics: {
        ...metrics,
        loss,
        gradNorm,
        learningRate: optimizer.learningRate(step),
        skipped: convert(logicalNot(goes), "float32"),
        ...(overflowed && { lossScale: scale, overflowed: convert(overflowed, "float32") }),
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
