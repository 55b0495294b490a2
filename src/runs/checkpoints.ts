/** @file The checkpoints that a run resumes from: written whole, verified when read, old ones deleted by a policy. */

import { lstat, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { OcelliError } from "../errors.ts";
import {
  diskError,
  listOwnFolder,
  makeOwnFolder,
  removePartials,
  writeAtomically,
} from "../files.ts";

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
  private readonly check: () => void;

  /** @param check throws where this process may no longer write there */
  constructor(folder: string, check: () => void = () => undefined) {
    this.folder = folder;
    this.check = check;
  }

  /** The steps that there are checkpoints of, ascending. */
  async steps(): Promise<number[]> {
    const names = await listOwnFolder(this.folder);
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
    this.check();
    try {
      await makeOwnFolder(this.folder);
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
      if (!(await lstat(path)).isFile()) {
        damaged.push(basename(path));
        continue;
      }
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
  clean(): Promise<void> {
    return removePartials(this.folder);
  }
}

/** The checkpoints that a policy gives up; never the newest. */
export function superfluous(steps: readonly number[], { keep, keepEvery }: Retention): number[] {
  const old = steps.slice(0, -Math.max(1, keep));
  return old.filter((step) => !keepEvery || step % keepEvery !== 0);
}
