/** @file What an optimiser's configuration may say. */

import { z } from "zod";
import { gsamSchema } from "./gsam.ts";
import { scheduleSchema } from "./schedules.ts";

const fraction = z.number().min(0).lt(1);
const moment = z.enum(["float32", "bfloat16", "float16"]);
const multipliers = z.array(z.tuple([z.string(), z.number()])).readonly();

const common = {
  lr: z.number().min(0),
  /** Decay of weights, not multiplied by `lr` but, like it, by the schedule; 0 unless given. */
  wd: z.number().min(0).optional(),
  /** Which parameters decay, and how much of `wd`; kernels unless given. */
  wdMults: multipliers.optional(),
  /** Multipliers of `lr` by parameter name; 1 where no rule matches. */
  lrMults: z
    .array(z.tuple([z.string(), z.number().positive()]))
    .readonly()
    .optional(),
  /** The largest global norm of the gradient. */
  gradClipNorm: z.number().positive().nullable().optional(),
  /** One for all, or by parameter name; null freezes. */
  schedule: z
    .union([scheduleSchema, z.array(z.tuple([z.string(), scheduleSchema.nullable()])).readonly()])
    .optional(),
  /** Keep a moving average of the parameters and the statistics with this decay; it is what is judged and saved. */
  averageDecay: fraction.optional(),
  /** Whether that decay is at most (1 + step) / (10 + step), as TensorFlow has it; default: true. */
  averageWarmup: z.boolean().optional(),
  /** Sharpness-aware minimisation: a second gradient in every step, taken a small way uphill. Default: none. */
  gsam: gsamSchema.optional(),
};

const adam = {
  b1: fraction.optional(),
  b2: fraction.optional(),
  eps: z.number().min(0).optional(),
  epsRoot: z.number().min(0).optional(),
  muDtype: moment.optional(),
  nesterov: z.boolean().optional(),
};

/** An optimiser by name, with its own options beside those of all. */
export const optimizerSchema = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("adam"), ...common, ...adam }),
  z.strictObject({
    name: z.literal("adamw"),
    ...common,
    ...adam,
    /** As usual for AdamW, multiplied by `lr` and the schedule; instead of `wd`. */
    weightDecay: z.number().min(0).optional(),
  }),
  z.strictObject({
    name: z.literal("adafactor"),
    ...common,
    minDimSizeToFactor: z.int().min(1).optional(),
    decayRate: z.number().positive().optional(),
    decayOffset: z.int().optional(),
    beta2Cap: z.number().min(0).max(1).optional(),
    clippingThreshold: z.number().positive().nullable().optional(),
    momentum: fraction.nullable().optional(),
    dtypeMomentum: moment.optional(),
    eps: z.number().min(0).optional(),
  }),
  z.strictObject({
    name: z.literal("lion"),
    ...common,
    b1: fraction.optional(),
    b2: fraction.optional(),
    muDtype: moment.optional(),
  }),
  z.strictObject({
    name: z.literal("momentum"),
    ...common,
    momentum: fraction.optional(),
    nesterov: z.boolean().optional(),
    dtype: moment.optional(),
  }),
  z.strictObject({ name: z.literal("sgd"), ...common }),
]);

/** An optimiser's configuration. */
export type OptimizerConfig = z.infer<typeof optimizerSchema>;
