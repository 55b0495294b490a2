/** @file How an optimiser is defined: its name, its options, and the rule that turns gradients into directions. */

import { z } from "zod";
import { gsamSchema } from "./gsam.ts";
import { scheduleSchema } from "./schedules.ts";
import type { Transform } from "./transform.ts";

/** A share of the past that is kept. */
export const fraction = z.number().min(0).lt(1);
/** The dtype in which a moment is stored. */
export const momentDtype = z.enum(["float32", "bfloat16", "float16"]);

/** What every optimiser takes beside its own options. */
export const optimizerKeys = {
  /**
   * The learning rate, by which every schedule is multiplied.
   *
   * @example 1e-3
   */
  lr: z.number().min(0),
  /** Decay of weights, not multiplied by `lr` but, like it, by the schedule. Default: 0. */
  wd: z.number().min(0).optional(),
  /**
   * Which parameters decay, and how much of `wd`. Default: kernels, all of it.
   *
   * @example [["head/kernel$", 1]]
   */
  wdMults: z
    .array(z.tuple([z.string(), z.number()]))
    .readonly()
    .optional(),
  /**
   * Multipliers of `lr` by parameter name. Default: 1 where no rule matches.
   *
   * @example [["head/.*", 10]]
   */
  lrMults: z
    .array(z.tuple([z.string(), z.number().positive()]))
    .readonly()
    .optional(),
  /** The largest global norm of the gradient. Default: any. */
  gradClipNorm: z.number().positive().nullable().optional(),
  /**
   * One for all, or by parameter name; null freezes. Default: constant.
   *
   * @example { decayType: "cosine", warmup: { percent: 10 } }
   */
  schedule: z
    .union([scheduleSchema, z.array(z.tuple([z.string(), scheduleSchema.nullable()])).readonly()])
    .optional(),
  /** Keep a moving average of the parameters and the statistics with this decay; it is what is judged and saved. Default: none. */
  averageDecay: fraction.optional(),
  /** That decay is at most (1 + step) / (10 + step), as TensorFlow has it. Default: true. */
  averageWarmup: z.boolean().optional(),
  /** Sharpness-aware minimisation: a second gradient in every step, taken a small way uphill. Default: none. */
  gsam: gsamSchema.optional(),
};

/** What every optimiser takes beside its own options. */
export type OptimizerKeys = z.output<z.ZodObject<typeof optimizerKeys>>;

/** An optimiser's definition. */
export interface OptimizerDefinition<
  Name extends string = string,
  Schema extends z.ZodObject = z.ZodObject,
> {
  readonly kind: "optimizer";
  /** Its `name` in a configuration. */
  readonly name: Name;
  /** Its options, beside `name` and what every optimiser takes. */
  readonly schema: Schema;
  /**
   * The rule, from gradients to directions; clipping, learning rates, decay and averages come around it.
   *
   * @param stacked names under which scanned layers lie stacked
   */
  readonly create: (
    options: z.output<Schema> & OptimizerKeys,
    stacked: readonly string[],
  ) => Transform;
  /** How much weights decay, under the schedule. Default: `wd`, or 0. */
  readonly decay?: (options: z.output<Schema> & OptimizerKeys) => number;
}

/**
 * Defines an optimiser.
 *
 * @example
 * export const signSgd = defineOptimizer({
 *   name: "sign-sgd",
 *   schema: z.strictObject({}),
 *   create: () => ({
 *     init: () => ({}),
 *     update: ({ values }, state) => ({ updates: asUpdates(mapNamed(values, sign)), state }),
 *   }),
 * });
 */
export const defineOptimizer = <Name extends string, Schema extends z.ZodObject>(
  definition: Omit<OptimizerDefinition<Name, Schema>, "kind">,
): OptimizerDefinition<Name, Schema> => ({ kind: "optimizer", ...definition });
