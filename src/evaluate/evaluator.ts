/** @file What an evaluator is: sums of each batch on the device, and named values from their totals. */

import type { Tensor } from "../graph/tensor.ts";

/** What an evaluator sees of a batch. */
export interface Evaluated {
  /** What the model returns: [batch, classes] for a classifier. */
  readonly output: Tensor;
  /** The batch, preprocessed, with `mask` [batch]: 0 for padding. */
  readonly batch: Readonly<Record<string, Tensor>>;
}

/** An evaluator. */
export interface Evaluator {
  readonly name: string;
  /** Scalars of one batch, to be summed over all batches. */
  measure(evaluated: Evaluated): Record<string, Tensor>;
  /** The values, from the totals of {@link measure}. */
  summarise(totals: Readonly<Record<string, number>>): [name: string, value: number][];
}
