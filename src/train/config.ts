/** @file What a training configuration may say. */

import { z } from "zod";
import { modelSchema } from "../models/index.ts";
import { classificationSchema } from "../objectives/index.ts";
import { durationSchema, optimizerSchema } from "../optim/index.ts";
import { validate } from "./schema.ts";

const folder = {
  /** Where the files lie. */
  dir: z.string(),
  /** The class names, in the order of the labels; "0", "1", … unless given. */
  classes: z.array(z.string()).readonly().optional(),
};

const dataSchema = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("mnist") }),
  z.strictObject({ name: z.literal("idx"), ...folder }),
  z.strictObject({ name: z.literal("npz"), ...folder }),
]);

const evaluationSchema = z.strictObject({
  /** A split, or a slice of one such as `train[55000:]`. */
  split: z.string(),
  /** How often; at the end in any case. */
  every: durationSchema.optional(),
});

/** Pixels are scaled by the preprocessing alone. */
const objectiveSchema = z.discriminatedUnion("name", [
  classificationSchema.omit({ valueRange: true }),
]);

/** The schema of a configuration: strict, so that a key that nothing reads is an error. */
export const configSchema = z.strictObject({
  /** Names the run folder. */
  name: z.string().regex(/^[\w.-]+$/, { message: "letters, digits, dots, dashes, underscores" }),
  /** Decides the initial parameters, the order of the examples and every random operation. */
  seed: z.int().min(0).default(0),
  data: dataSchema,
  /** The split to train on, or a slice of one. */
  split: z.string().default("train"),
  preprocess: z.strictObject({
    train: z.string(),
    /** For evaluation; stored with the model for prediction. */
    eval: z.string(),
  }),
  batchSize: z.int().min(1),
  duration: durationSchema,
  model: modelSchema,
  /** A run folder or checkpoint whose arrays the model begins with. */
  init: z.string().optional(),
  objective: objectiveSchema,
  optimizer: optimizerSchema,
  /** Evaluations by name; the first one's values are the run's result. */
  evals: z.record(z.string(), evaluationSchema).default({ test: { split: "test" } }),
  /** How often metrics are written. */
  log: durationSchema.default({ percent: 1 }),
});

/** A configuration as one writes it. */
export type ConfigInput = z.input<typeof configSchema>;
/** A configuration with its defaults filled in. */
export type Config = z.output<typeof configSchema>;

/**
 * Checks a configuration: what a recipe exports.
 *
 * @throws a configuration error of one line, with the nearest valid names
 * @example
 * export default defineConfig({ ...quickstart, name: "wider", model: { name: "vit", width: 96 } });
 */
export function defineConfig(config: ConfigInput): ConfigInput {
  validate(configSchema, config);
  return config;
}
