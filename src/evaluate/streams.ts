/** @file Which examples an evaluator reads beside those that it judges. */

import { z } from "zod";

/** A split, or a split of other data with a preprocessing and a batch size of its own. */
export const streamSchema = z.union([
  z.string(),
  z.strictObject({
    /** A split, or a slice of one. */
    split: z.string(),
    /** The data set, as in `data`. Default: that of the evaluation. */
    data: z
      .looseObject({
        /** The name of the data set, beside its options. */
        name: z.string(),
      })
      .optional(),
    /** How images are prepared. Default: that of the evaluation. */
    preprocess: z.string().optional(),
    /** Examples computed together. Default: that of the evaluation. */
    batchSize: z.int().min(1).optional(),
  }),
]);

/** A stream in a configuration. */
export type StreamConfig = z.output<typeof streamSchema>;
