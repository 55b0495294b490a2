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
  /** Those of its variables that are the model's own, which are evaluated and saved for prediction; all unless told. */
  readonly served?: <T>(variables: Tree<T>) => Tree<T>;
  /** Its form at a step, counted from 0, where not every step is the same program: one object for each program. */
  readonly at?: (step: number) => Objective;
}

/** What a step minimises, counted from 0. */
export const objectiveAt = (objective: Objective, step: number): Objective =>
  objective.at?.(step) ?? objective;
