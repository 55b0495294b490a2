/** @file Where a training loop stands, as a checkpoint keeps it. */

import type { Batch } from "../../data/stream/batches.ts";
import type { Source } from "../../data/source.ts";
import type { LogLengths } from "../../runs/run.ts";
import type { BestState } from "../watch/best.ts";
import type { Gathered } from "../watch/progress.ts";

/** Where a loop stands, beside the arrays of its state. */
export interface LoopState {
  readonly step: number;
  /** Where the stream of batches goes on. */
  readonly position: Batch["next"] | undefined;
  readonly gathered: Gathered;
  /** Steps in a row, up to this one, that were not finite. */
  readonly skipped: number;
  /** Whether a step that was not finite has been explained. */
  readonly explained: boolean;
  /** The best state so far, where a value decides which one is served. */
  readonly best?: BestState;
  /** The data that the position is of. */
  readonly data: {
    readonly examples: number;
    readonly names?: Source["names"];
    /** In the place of `names`, of checkpoints that version 0.1.0 wrote. */
    readonly classes?: readonly string[];
  };
  readonly logs: LogLengths;
}

/** The names of the data that a loop was of. */
export const namesOf = ({ data }: LoopState): Source["names"] =>
  data.names ?? { label: data.classes ?? [] };
