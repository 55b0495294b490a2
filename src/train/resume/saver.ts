/** @file Checkpoints written while training goes on. */

import type { Retention } from "../../runs/checkpoints.ts";
import { stateChunks } from "../../weights/checkpoint-state.ts";
import type { StateReader } from "../../served/device-trees.ts";
import type { DeviceState } from "../programs.ts";
import type { RunFolder } from "../devices/follower.ts";
import type { LoopState } from "./loop-state.ts";

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
