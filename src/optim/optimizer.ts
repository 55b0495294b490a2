/** @file The optimiser of a configuration: clipping, a rule, learning rates, decay and schedules by parameter name. */

import { type Tensor, add, mul, scalar } from "../graph/index.ts";
import type { Tree } from "../tree.ts";
import { averageParameters, warmDecay } from "./average.ts";
import { clipByGlobalNorm } from "./clip.ts";
import { gsam } from "./gsam.ts";
import { layerFactor, layerMask, makePlanner, moves } from "./plan.ts";
import { type OptimizerConfig, optimizerDefinition } from "./registry.ts";
import { type Schedule, type TrainingLength, makeSchedule } from "./schedules.ts";
import {
  type Named,
  type Transform,
  type UpdateContext,
  type Updates,
  asUpdates,
  chain,
  mapNamed,
  product,
  scaled,
} from "./transform.ts";

/** What an optimiser keeps. */
export type OptimizerState = {
  readonly rule: Tree<Tensor>;
  /** The moving average of the trainable parameters, where it is asked for. */
  readonly average?: Named;
};

/** An optimiser over parameters by full name. */
export interface Optimizer {
  /** The parameters that it moves; the others are frozen, and have no gradient and no state. */
  trainable(params: Named): Named;
  init(params: Named): OptimizerState;
  /** Updates, to be added to the trainable parameters, from their gradients. */
  update(
    grads: Named,
    state: OptimizerState,
    params: Named,
    context: UpdateContext,
  ): { updates: Named; state: OptimizerState };
  /** Where a second gradient is taken, and what becomes of the two, where a step needs one. */
  readonly second?: {
    at(params: Named, grads: Named, context: UpdateContext): Named;
    combine(first: Named, second: Named): Named;
  };
  /** The next moving average of tensors, where one is asked for; what has no gradient is averaged by it too. */
  readonly average?: (mean: Named, now: Named, context: UpdateContext) => Named;
  /** `lr` under the first schedule, for logs. */
  readonly learningRate: Schedule;
  /** The schedules of the configuration that are not null. */
  readonly schedules: readonly Schedule[];
}

/**
 * The optimiser of a configuration, equal to big_vision's `optax.make`: global-norm clipping, the rule, `lr` and its
 * multipliers, decay added after them, the schedule over both.
 *
 * @param length by which the schedules' durations convert
 * @param stacked names under which scanned layers lie stacked; rules see the name and the shape of each layer
 * @see https://github.com/google-research/big_vision (`optax.py`)
 */
export function makeOptimizer(
  config: OptimizerConfig,
  length: TrainingLength,
  stacked: readonly string[] = [],
): Optimizer {
  const { gradClipNorm, averageDecay, averageWarmup = true } = config;
  const { create, decay } = optimizerDefinition(config.name);
  const planner = makePlanner(config, decay ? decay(config) : (config.wd ?? 0), stacked);
  const schedules = planner.schedules.map((schedule) => makeSchedule(schedule, length));
  const rule: Transform = chain(
    ...(gradClipNorm ? [clipByGlobalNorm(gradClipNorm)] : []),
    create(config, stacked),
  );
  const trainable = (params: Named): Named =>
    Object.fromEntries(
      Object.entries(params).filter(([name, param]) => moves(planner.plansOf(name, param))),
    );

  /** A direction times its rate, and decay. */
  function finish({ values, scale }: Updates, params: Named, rates: readonly Tensor[]): Named {
    return mapNamed(params, (param, name) => {
      const plans = planner.plansOf(name, param);
      const rate = layerFactor(plans, "rate", rates, param.rank);
      const decay = layerFactor(plans, "decay", rates, param.rank);
      const update =
        rate?.rank === 0
          ? scaled(values[name], product(scale, rate))
          : mul(scaled(values[name], scale), rate ?? 0);
      return decay ? add(update, mul(param, decay)) : update;
    });
  }

  const average: Optimizer["average"] =
    averageDecay === undefined
      ? undefined
      : (mean, now, { step }) =>
          averageParameters(
            mean,
            now,
            averageWarmup ? warmDecay(averageDecay, step) : averageDecay,
          );

  /** Gradients without those of frozen layers among stacked ones. */
  const unfrozen = (grads: Named, moved: Named): Named =>
    mapNamed(moved, (param, name) => {
      const mask = layerMask(planner.plansOf(name, param), param.rank);
      return mask ? mul(grads[name], mask) : grads[name];
    });
  const learningRate: Schedule = (step) =>
    schedules.length > 0 ? mul(schedules[0](step), config.lr) : scalar(0);
  const further = config.gsam && gsam(config.gsam, config.lr);
  const second: Optimizer["second"] = further && {
    at: (moved, grads, { step }) => further.at(moved, unfrozen(grads, moved), learningRate(step)),
    combine: (first, robust) => further.combine(unfrozen(first, first), unfrozen(robust, robust)),
  };

  return {
    trainable,
    ...(second && { second }),
    average,
    schedules,
    learningRate,
    init(params) {
      const moved = trainable(params);
      const state = { rule: rule.init(moved) };
      return average ? { ...state, average: moved } : state;
    },
    update(grads, { rule: ruleState, average: mean }, params, context) {
      const moved = trainable(params);
      const values = unfrozen(grads, moved);
      const { updates: directions, state } = rule.update(asUpdates(values), ruleState, moved, {
        ...context,
        rate: learningRate(context.step),
      });
      const rates = schedules.map((schedule) => schedule(context.step));
      const updates = finish(directions, moved, rates);
      if (!average || !mean) return { updates, state: { rule: state } };
      const after = mapNamed(moved, (param, name) => add(param, updates[name]));
      return { updates, state: { rule: state, average: average(mean, after, context) } };
    },
  };
}
