/** @file What a step minimises. */

import type { HostArray, Spec, Tensor } from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import type { Tree } from "../tree.ts";

/** A batch: arrays by name, each with the examples along its leading axis. */
export type Batch = Readonly<Record<string, Tensor>>;

/** The specs of a batch. */
export type BatchSpec = Readonly<Record<string, Spec>>;

/** What an objective computes from. */
export interface LossInputs {
  readonly params: Params;
  readonly variables: Params;
  readonly batch: Batch;
  /** uint32[2], another one in every step. */
  readonly key: Tensor;
  /** Updates made so far, an int32 scalar. */
  readonly step: Tensor;
  readonly train: boolean;
  /** Whether a parameter, by its whole name, stays as it is in this training: its layer's statistics then stay too. */
  readonly isFrozen?: (name: string) => boolean;
}

/** What an objective computes. */
export interface LossOutputs {
  /** A float32 scalar. */
  readonly loss: Tensor;
  /** Scalars by name. */
  readonly metrics: Readonly<Record<string, Tensor>>;
  /** The variables after the call. */
  readonly variables: Params;
  /**
   * What the loss and the metrics are means over, such as the number of labelled pixels: scalars by name, `loss` among
   * them. Where a batch is taken in parts (`accumulate`), each part counts by it, so that the parts make the mean of the
   * whole batch. Default, also of a metric that is not named: the examples, of which all parts have as many.
   */
  readonly counts?: Readonly<Record<string, Tensor>>;
}

/** Parameters and variables by nested name. */
export type ObjectiveArrays<T> = {
  readonly params: Tree<T>;
  readonly variables: Tree<T>;
};

/** What is known after an update. */
export interface AfterUpdate {
  /** Parameters and variables before the update. */
  readonly before: ObjectiveArrays<Tensor>;
  /** uint32[2], another one in every step. */
  readonly key: Tensor;
  /** Updates made before this one, an int32 scalar. */
  readonly step: Tensor;
}

/** What a step minimises: what it owns, and its loss. */
export interface Objective {
  /** Initial parameters and variables for batches of a spec; `given` are the arrays of {@link Objective.given}. */
  init(key: Tensor, batch: BatchSpec, given?: Params): { params: Params; variables: Params };
  loss(inputs: LossInputs): LossOutputs;
  /** Names under which the parameters of scanned layers lie stacked, for rules by name. */
  stacked(batch: BatchSpec): readonly string[];
  /** Arrays that are not drawn but come from elsewhere, such as a teacher's; `init` takes them. */
  readonly given?: Tree<HostArray>;
  /**
   * What is evaluated and saved for prediction: the model's own arrays, without teachers, projectors and decoders.
   * Everything where absent.
   */
  readonly served?: <T>(arrays: ObjectiveArrays<T>) => ObjectiveArrays<T>;
  /**
   * Changes the arrays after an update, once per update whatever the number of accumulated parts: moving averages of
   * teachers, queues, pruning masks. A step that is left out changes nothing.
   */
  readonly after?: (
    arrays: ObjectiveArrays<Tensor>,
    context: AfterUpdate,
  ) => ObjectiveArrays<Tensor>;
  /** Its form at a step, counted from 0, where not every step is the same program: one object for each program. */
  readonly at?: (step: number) => Objective;
}

/**
 * An objective that takes one of several forms at each step, all with the same parameters; each is one object and so
 * compiled once.
 *
 * @param at the place of a step's form; steps are counted from 0
 */
export const objectiveInForms = (
  forms: readonly Objective[],
  at: (step: number) => number,
): Objective => ({ ...forms[0], at: (step) => forms[at(step)] });

/** What a step minimises, counted from 0. */
export const objectiveAt = (objective: Objective, step: number): Objective =>
  objective.at?.(step) ?? objective;
