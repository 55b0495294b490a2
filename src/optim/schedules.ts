/** @file Learning-rate schedules as functions of a step tensor, equal to big_vision's create_learning_rate_schedule. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  clip,
  convert,
  cos,
  full,
  greaterEqual,
  minimum,
  mul,
  pow,
  rsqrt,
  select,
  sub,
} from "../graph/index.ts";
import { type Duration, type DurationContext, durationSchema, toSteps } from "./durations.ts";

const positive = z.number().positive();
const time = z.union([z.number().min(0), durationSchema]);

/** A schedule; warmup and cooldown multiply on top of any decay. */
export const scheduleSchema = z.strictObject({
  /** How the rate falls after the warmup. Default: "constant". */
  decayType: z.enum(["constant", "linear", "polynomial", "cosine", "rsqrt", "stair"]).optional(),
  /** The rate before any decay. Default: 1. */
  mult: z.number().optional(),
  /** Multiply by batch size / 256, as in Goyal et al. 2017, arXiv:1706.02677. Default: false. */
  scaleWithBatchsize: z.boolean().optional(),
  /** A linear rise from 0. Default: none. */
  warmup: durationSchema.optional(),
  /** A linear fall to 0 at the end. Default: none. */
  cooldown: durationSchema.optional(),
  /** linear, polynomial: the rate at the end. Default: 0. */
  end: z.number().optional(),
  /** polynomial: the exponent. Default: 1. */
  power: positive.optional(),
  /** rsqrt: steps (or a duration) until the rate has fallen by √2. Default: 10000. */
  timescale: time.optional(),
  /** rsqrt: steps (or a duration) by which its start is moved. Default: 0. */
  shift: time.optional(),
  /** stair: the steps at which the rate changes, ascending. Default: none. */
  steps: z.array(z.int()).readonly().optional(),
  /** stair: the factor from each of these steps on. Default: none. */
  mults: z.array(z.number()).readonly().optional(),
});

/** A schedule's configuration. */
export type ScheduleConfig = z.infer<typeof scheduleSchema>;

/** How long a training is, by which durations convert. */
export interface TrainingLength extends DurationContext {
  readonly totalSteps: number;
}

/** A rate, float32, of an int32 step of any shape. */
export type Schedule = (step: Tensor) => Tensor;

/** The schedule of a configuration, for a training of a given length. */
export function makeSchedule(config: ScheduleConfig, length: TrainingLength): Schedule {
  const { totalSteps, batchSize } = length;
  const steps = (value: number | Duration): number =>
    typeof value === "number" ? value : toSteps(value, length);
  const warmup = steps(config.warmup ?? 0);
  const cooldown = steps(config.cooldown ?? 0);
  if (totalSteps > 1 && warmup >= totalSteps) {
    throw new OcelliError(
      "config",
      `a warmup of ${warmup} steps does not end within the training's ${totalSteps}.`,
    );
  }
  const base = (config.mult ?? 1) * (config.scaleWithBatchsize ? batchFactor(batchSize) : 1);
  const timescale = steps(config.timescale ?? 10_000);
  const shift = steps(config.shift ?? 0);
  const decay = decayOf(config, base, { totalSteps, warmup, timescale, shift });
  return (step) => {
    const time = convert(step, "float32");
    const factors = [
      ...(warmup ? [minimum(mul(time, 1 / warmup), 1)] : []),
      ...(cooldown ? [minimum(mul(sub(totalSteps, time), 1 / cooldown), 1)] : []),
    ];
    return factors.reduce(mul, decay(time));
  };
}

function batchFactor(batchSize: number | undefined): number {
  if (batchSize) return batchSize / 256;
  throw new OcelliError("config", "scaleWithBatchsize needs the batch size to be known.");
}

interface DecayTimes {
  readonly totalSteps: number;
  readonly warmup: number;
  readonly timescale: number;
  readonly shift: number;
}

/** The rate without warmup and cooldown, of a time in steps. */
function decayOf(config: ScheduleConfig, base: number, times: DecayTimes): Schedule {
  const { totalSteps, warmup, timescale, shift } = times;
  const progress = (time: Tensor): Tensor =>
    clip(mul(sub(time, warmup), 1 / (totalSteps - warmup)), 0, 1);
  switch (config.decayType ?? "constant") {
    case "constant":
      return (time) => full(time.shape, base);
    case "linear":
    case "polynomial": {
      const { end = 0, power = 1 } = config;
      return (time) => {
        const left = sub(1, progress(time));
        return add(mul(power === 1 ? left : pow(left, power), base - end), end);
      };
    }
    case "cosine":
      return (time) => mul(add(cos(mul(progress(time), Math.PI)), 1), base * 0.5);
    case "rsqrt":
      return (time) => {
        const since = add(mul(sub(time, warmup - shift), 1 / timescale), 1);
        const start = base / Math.sqrt(1 + shift / timescale);
        return select(greaterEqual(time, warmup), mul(rsqrt(since), base), start);
      };
    case "stair":
      return stair(config, base);
  }
}

function stair({ steps = [], mults = [] }: ScheduleConfig, base: number): Schedule {
  if (steps.length !== mults.length || steps.some((step, i) => i > 0 && step < steps[i - 1])) {
    throw new OcelliError(
      "config",
      `stair needs ascending steps and as many mults, not [${steps}] and [${mults}].`,
    );
  }
  return (time) =>
    steps.reduce(
      (rate, step, i) => select(greaterEqual(time, step), base * mults[i], rate),
      full(time.shape, base),
    );
}
