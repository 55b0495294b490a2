/** @file The checkpoints that a run goes on from: written whole, verified when read, old ones deleted by a policy. */

import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { OcelliError } from "../errors.ts";
import { PARTIAL, diskError, writeAtomically } from "./atomic.ts";

/** Which checkpoints stay. */
export interface Retention {
  /** The newest ones, at least 1. */
  readonly keep: number;
  /** Those at multiples of so many steps stay for good. */
  readonly keepEvery?: number;
}

const NAME = /^step-(\d+)\.safetensors$/;

/** The checkpoints in a folder. */
export class CheckpointStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The steps that there are checkpoints of, ascending. */
  async steps(): Promise<number[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  path(step: number): string {
    return join(this.folder, `step-${String(step).padStart(9, "0")}.safetensors`);
  }

  /** Writes a checkpoint, and then deletes those that the policy gives up. */
  async write(
    step: number,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    policy: Retention,
  ): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true });
    } catch (error) {
      throw diskError(this.folder, error);
    }
    await writeAtomically(this.path(step), chunks);
    for (const old of superfluous(await this.steps(), policy)) await rm(this.path(old));
  }

  /**
   * The newest checkpoint whose file `open` takes, and the names of later ones, which are damaged; undefined where there is none.
   *
   * @throws a format error where there are checkpoints, but none is whole
   */
  async newest<T>(
    open: (path: string) => T,
  ): Promise<{ readonly value: T; readonly damaged: readonly string[] } | undefined> {
    const damaged: string[] = [];
    for (const step of (await this.steps()).reverse()) {
      const path = this.path(step);
      try {
        return { value: open(path), damaged };
      } catch (error) {
        if (!(error instanceof OcelliError) || error.code !== "format") throw error;
        damaged.push(basename(path));
      }
    }
    if (damaged.length === 0) return undefined;
    throw new OcelliError("format", `no checkpoint in ${this.folder} is whole.`, {
      given: damaged,
    });
  }

  /** Removes what an interrupted write left behind. */
  async clean(): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    for (const name of names) if (name.endsWith(PARTIAL)) await rm(join(this.folder, name));
  }
}

/** The checkpoints that a policy gives up; never the newest. */
export function superfluous(steps: readonly number[], { keep, keepEvery }: Retention): number[] {
  const old = steps.slice(0, -Math.max(1, keep));
  return old.filter((step) => !keepEvery || step % keepEvery !== 0);
}
