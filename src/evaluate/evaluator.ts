/** @file What an evaluator is: what it gathers from every batch on the device, and the named values it makes of that. */

import type { HostArray } from "../graph/dtype.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Outputs } from "../models/index.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Example } from "../preprocess/example.ts";

/** Values by name, in order. */
export type NamedValues = [name: string, value: number][];

/** In place of a head: the objective of the training, computed as in evaluation (`train: false`). */
export const OBJECTIVE = "objective";

/** How names of `out` begin that say what a value of an objective is the mean over, such as `counts/loss`. */
export const COUNTS = "counts/";

/** What an evaluator sees of a batch. */
export interface Evaluated {
  /** What the evaluator's head gives, [batch, …]; the loss, a scalar, for {@link OBJECTIVE}. */
  readonly output: Tensor;
  /** The model's intermediate values by name, none of a model that only returns its output; the metrics of an objective, with {@link COUNTS}. */
  readonly out: Readonly<Record<string, Tensor>>;
  /** The batch by field, preprocessed, with `mask` [batch]: 0 for padding. */
  readonly batch: Readonly<Record<string, Tensor>>;
  /** Texts that the model writes about the batch, int32 [batch, length]; absent where its task writes none. */
  readonly write?: Outputs["write"];
}

/** What an evaluator takes from one batch. */
export interface Measured {
  /** Scalars, added up over all batches. */
  readonly sums?: Readonly<Record<string, Tensor>>;
  /** Arrays [batch, …], laid one batch under the other; padding is left out. */
  readonly rows?: Readonly<Record<string, Tensor>>;
}

/** What was taken from all batches of a stream. */
export interface Gathered {
  readonly sums: Readonly<Record<string, number>>;
  /** [examples, …] */
  readonly rows: Readonly<Record<string, HostArray>>;
}

/** What was taken from a stream of which an evaluator reads some examples. */
export interface Stream extends Gathered {
  /** Which example of its split each row is. */
  readonly indices: readonly number[];
  /** The label of every example of the split, where the evaluator picks by it. */
  readonly labels: readonly number[];
  /** Reads one example again, such as to show it. */
  read(index: number): Promise<Example>;
}

/** The examples that an evaluator judges; every evaluator reads this stream. */
export const JUDGED = "judged";

/** A stream that an evaluator reads beside the judged one. */
export interface StreamRequest {
  /** The examples it needs, rising, from the label of each; all where absent. */
  pick?(labels: readonly number[]): readonly number[];
  /** The stream is these texts, field `text`, in place of examples of a split. */
  readonly texts?: readonly string[];
  /**
   * The texts of the judged examples, field `text`, one by one, in place of other data; {@link Stream.indices} then say
   * which judged example each text is of.
   */
  readonly eachText?: boolean;
}

/** An evaluator. */
export interface Evaluator {
  /** The head of the task that it reads, such as `embed`; or {@link OBJECTIVE}. */
  readonly head: string;
  /** Further streams by name, such as `train` for a probe. */
  readonly streams?: Readonly<Record<string, StreamRequest>>;
  /** @param stream the stream that the batch is of, {@link JUDGED} or one of `streams` */
  measure(evaluated: Evaluated, stream: string): Measured;
  /** The values, from all that {@link measure} took, by stream. */
  summarise(gathered: Readonly<Record<string, Stream>>): NamedValues | Promise<NamedValues>;
}

/** What an evaluator is made for. */
export interface EvaluatedModel {
  /** What the numbers of a field stand for, in their order. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** The task with its options, as in the model's card. */
  readonly task: { readonly name: string } & Readonly<Record<string, unknown>>;
  /** The task's tokenizer, where it has one. */
  readonly tokenizer?: Tokenizer;
}
