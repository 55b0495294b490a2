/** @file Checkpoints written while training goes on. */

import type { Batch } from "../../data/stream/batches.ts";
import type { Source } from "../../data/source.ts";
import type { LogLengths } from "../../runs/run.ts";
import type { Retention } from "../../runs/checkpoints.ts";
import { stateChunks } from "../../weights/checkpoint-state.ts";
import type { BestState } from "../watch/best.ts";
import type { StateReader } from "../../served/device-trees.ts";
import type { DeviceState } from "../programs.ts";
import type { Gathered } from "../watch/progress.ts";
import type { RunFolder } from "../devices/follower.ts";

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

/** Saves states of a run; one is written while training goes on. */
export class Saver {
  private readonly run: RunFolder;
  private readonly retention: Retention;
  private readonly read: StateReader;
  private writing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private saved = -1;

  constructor(run: RunFolder, retention: Retention, read: StateReader) {
    this.run = run;
    this.retention = retention;
    this.read = read;
  }

  /** The step of the last state given; -1 before the first. */
  get step(): number {
    return this.saved;
  }

  /**
   * Begins to save a state, once the one before is on the disk; one too large to be copied is on the disk when this
   * resolves. The state may be given up as soon as this resolves.
   */
  async save(state: DeviceState, loop: Omit<LoopState, "logs">): Promise<void> {
    if (loop.step === this.saved) return;
    await this.settled();
    const logs = this.run.flush();
    this.saved = loop.step;
    const { arrays: reading, copied } = await this.read(state);
    this.writing = reading
      .then((arrays) =>
        this.run.checkpoints.write(
          loop.step,
          stateChunks({ arrays, loop: { ...loop, logs } }),
          this.retention,
        ),
      )
      .catch((error: unknown) => void (this.failure = { error }));
    if (!copied) await this.settled();
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
