/** @file Durations in any unit, turned into steps. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { roundHalfEven } from "../graph/index.ts";

const amount = z.number().min(0);

/** How long, in exactly one unit; `percent` is of the whole training, from 0 to 100. */
export const durationSchema = z.union([
  z.strictObject({
    /** Updates. */
    steps: z.int().min(0),
  }),
  z.strictObject({
    /** Examples that are seen, again or for the first time. */
    examples: amount,
  }),
  z.strictObject({
    /** Times that the examples of the split are seen. */
    epochs: amount,
  }),
  z.strictObject({
    /** A share of the whole training. */
    percent: amount.max(100),
  }),
]);

/** How long, in exactly one unit. */
export type Duration = z.infer<typeof durationSchema>;

/** What a duration is relative to, as far as it is known. */
export interface DurationContext {
  /** Examples in a step. */
  readonly batchSize?: number;
  /** Examples in an epoch. */
  readonly examples?: number;
  /** Steps of the whole training. */
  readonly totalSteps?: number;
}

/**
 * The number of steps of a duration, rounded to the nearest (ties to even); one above zero has at least one step.
 *
 * @example
 * toSteps({ epochs: 10 }, { batchSize: 100, examples: 60000 }); // 6000
 */
export function toSteps(duration: Duration, context: DurationContext): number {
  const steps = exactSteps(duration, context);
  return steps > 0 ? Math.max(1, roundHalfEven(steps)) : 0;
}

function exactSteps(duration: Duration, context: DurationContext): number {
  if ("steps" in duration) return duration.steps;
  const [unit] = Object.keys(duration);
  const need = (name: keyof DurationContext): number => {
    const value = context[name];
    if (value !== undefined) return value;
    throw new OcelliError(
      "config",
      `a duration in ${unit} needs ${name}, which is not known here.`,
      {
        given: duration,
      },
    );
  };
  if ("examples" in duration) return duration.examples / need("batchSize");
  if ("epochs" in duration) return (duration.epochs * need("examples")) / need("batchSize");
  return (duration.percent / 100) * need("totalSteps");
}
