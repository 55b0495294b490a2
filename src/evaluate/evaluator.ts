/** @file What an evaluator is: what it gathers from every batch on the device, and the named values it makes of that. */

import type { HostArray } from "../graph/dtype.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { NamedValues } from "./features.ts";

/** What an evaluator sees of a batch. */
export interface Evaluated {
  /** What the model returns: [batch, classes] for a classifier. */
  readonly output: Tensor;
  /** The model's intermediate values by name; none of a model that only returns its output. */
  readonly out: Readonly<Record<string, Tensor>>;
  /** The batch, preprocessed, with `labels` [batch, classes], and `mask` [batch]: 0 for padding. */
  readonly batch: Readonly<Record<string, Tensor>>;
}

/** What an evaluator takes from one batch. */
export interface Measured {
  /** Scalars, added up over all batches. */
  readonly sums?: Readonly<Record<string, Tensor>>;
  /** Arrays [batch, …], laid one batch under the other; padding is left out. */
  readonly rows?: Readonly<Record<string, Tensor>>;
}

/** What was taken from all batches. */
export interface Gathered {
  readonly sums: Readonly<Record<string, number>>;
  /** [examples, …] */
  readonly rows: Readonly<Record<string, HostArray>>;
}

/** What was taken from examples that an evaluator learns from. */
export interface Known extends Gathered {
  /** Which example of their split each row is. */
  readonly indices: readonly number[];
  /** The class of every example of the split, where the evaluator picks some of them. */
  readonly classes: readonly number[];
}

/** An evaluator. */
export interface Evaluator {
  measure(evaluated: Evaluated): Measured;
  /** The values, from all that {@link measure} took; `known` where the evaluator learns. */
  summarise(gathered: Gathered, known?: Known): NamedValues;
  /** Of one that first learns from other examples, of which the same is taken. */
  readonly learns?: {
    /** Their split; that of the training unless given. */
    readonly from?: string;
    /** The examples it needs, rising, from the class of each; all of them unless given. */
    pick?(classes: readonly number[]): readonly number[];
  };
}

/** What evaluators are told of a model. */
export interface EvaluatedModel {
  readonly classes: readonly string[];
  /** Whether classes exclude one another. */
  readonly loss: "softmax" | "sigmoid";
}
