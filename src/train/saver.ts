/** @file Checkpoints written while training goes on. */

import type { Batch } from "../data/batches.ts";
import type { LogLengths, Run } from "../runs/run.ts";
import type { Retention } from "../runs/checkpoints.ts";
import { stateChunks } from "../weights/checkpoint-state.ts";
import { readTree } from "./device.ts";
import type { DeviceState } from "./programs.ts";
import type { Gathered } from "./progress.ts";

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
  /** The data that the position is of. */
  readonly data: { readonly examples: number; readonly classes: readonly string[] };
  readonly logs: LogLengths;
}

/** Saves states of a run; one is written while training goes on. */
export class Saver {
  private readonly run: Run;
  private readonly retention: Retention;
  private writing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private saved = -1;

  constructor(run: Run, retention: Retention) {
    this.run = run;
    this.retention = retention;
  }

  /** The step of the last state given; -1 before the first. */
  get step(): number {
    return this.saved;
  }

  /** Begins to save a state, once the one before is on the disk. The state may be given up as soon as this resolves. */
  async save(state: DeviceState, loop: Omit<LoopState, "logs">): Promise<void> {
    if (loop.step === this.saved) return;
    await this.settled();
    const logs = this.run.flush();
    this.saved = loop.step;
    const reading = readTree(state); // reads are queued before the next step takes the arrays over
    this.writing = reading
      .then((arrays) =>
        this.run.checkpoints.write(
          loop.step,
          stateChunks({ arrays: arrays as never, loop: { ...loop, logs } }),
          this.retention,
        ),
      )
      .catch((error: unknown) => void (this.failure = { error }));
  }

  /** Throws what went wrong in the background, if anything did. */
  check(): void {
    if (this.failure) throw this.failure.error;
  }

  /** Resolves when everything is on the disk. */
  async settled(): Promise<void> {
    await this.writing;
    this.check();
  }
}
