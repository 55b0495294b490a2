/** @file What a configuration's rules say of each parameter: its schedule, learning rate and decay, layer by layer. */

import { OcelliError } from "../errors.ts";
import { type Tensor, constant, fromNumbers, mul, reshape, stack } from "../graph/index.ts";
import type { OptimizerKeys } from "./define.ts";
import { type Rule, compileRules, layerNames } from "./rules.ts";
import type { ScheduleConfig } from "./schedules.ts";

/** What the rules say of one layer of a parameter. */
export interface LayerPlan {
  /** Which schedule; null where frozen. */
  readonly schedule: number | null;
  readonly rate: number;
  readonly decay: number;
}

/** The rules of a configuration, compiled. */
export interface Planner {
  readonly schedules: readonly ScheduleConfig[];
  /** One plan, or for a stacked parameter one for each layer. */
  plansOf(name: string, param: Tensor): readonly LayerPlan[];
}

type ScheduleRule = Rule<ScheduleConfig | null>;
const KERNELS: readonly Rule<number>[] = [[".*/kernel$", 1]];

/**
 * The planner of a configuration.
 *
 * @param wd how much weights decay
 * @param stacked the prefixes of scanned layers
 */
export function makePlanner(
  config: OptimizerKeys,
  wd: number,
  stacked: readonly string[],
): Planner {
  const given = config.schedule ?? {};
  const rules = (Array.isArray(given) ? given : [[".*", given]]) as readonly ScheduleRule[];
  const schedules: ScheduleConfig[] = [];
  const indices = rules.map(([pattern, schedule]): Rule<number | null> => [
    pattern,
    schedule === null ? null : schedules.push(schedule) - 1,
  ]);
  const [scheduleOf, rateOf, decayOf] = [
    compileRules(indices),
    compileRules(config.lrMults ?? []),
    compileRules(config.wdMults ?? KERNELS),
  ];
  return {
    schedules,
    plansOf: (name, { shape }) =>
      layerNames(name, shape, stacked).map((layer) => {
        const schedule = scheduleOf(layer);
        if (schedule === undefined) {
          throw new OcelliError("config", `no schedule covers the parameter ${layer}.`, {
            hint: 'Add a last rule [".*", schedule], or [".*", null] to freeze it.',
          });
        }
        const rate = config.lr * (rateOf(layer) ?? 1);
        return { schedule, rate, decay: wd * (decayOf(layer) ?? 0) };
      }),
  };
}

/** Whether any layer moves. */
export const moves = (plans: readonly LayerPlan[]): boolean =>
  plans.some(({ schedule }) => schedule !== null);

/**
 * What a parameter's direction ("rate") or value ("decay") is multiplied by: minus the coefficient times the current
 * value of the schedule. A scalar, or [layers, 1, …] where layers differ; null where it is 0 throughout.
 */
export function layerFactor(
  plans: readonly LayerPlan[],
  kind: "rate" | "decay",
  schedules: readonly Tensor[],
  rank: number,
): Tensor | null {
  const factors = plans.map((plan) => (plan.schedule === null ? 0 : plan[kind]));
  if (factors.every((factor) => factor === 0)) return null;
  const [first] = plans;
  const uniform = plans.every((plan, i) => {
    return plan.schedule === first.schedule && factors[i] === factors[0];
  });
  const one = (plan: LayerPlan, i: number): Tensor =>
    mul(schedules[plan.schedule ?? 0], -factors[i]);
  return uniform ? one(first, 0) : alongLayers(stack(plans.map(one)), rank);
}

/** 0 for frozen layers and 1 for the others, [layers, 1, …]; null where all move. */
export function layerMask(plans: readonly LayerPlan[], rank: number): Tensor | null {
  if (plans.every(({ schedule }) => schedule !== null)) return null;
  const kept = plans.map(({ schedule }) => (schedule === null ? 0 : 1));
  return alongLayers(constant(fromNumbers(kept, [kept.length], "float32")), rank);
}

const alongLayers = (x: Tensor, rank: number): Tensor =>
  reshape(x, [x.shape[0], ...new Array<number>(rank - 1).fill(1)]);
