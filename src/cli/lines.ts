/** @file Output of one line after another: a file that appears when it is whole, or a device or pipe that is written at once. */

import { open, stat } from "node:fs/promises";
import { type BesideFile, diskError, openBeside } from "../files.ts";

/** Lines on their way to a path. */
export interface LineWriter {
  line(text: string): Promise<void>;
  /** Puts the file into its place. */
  commit(): Promise<void>;
  /** Gives it up; after `commit`, nothing. */
  discard(): Promise<void>;
}

/** Characters that are gathered before they are written. */
const PIECE = 1 << 16;

/**
 * Opens a path for lines. `/dev/stdout` and the like have no place to rename to, and are written as the lines come.
 *
 * @throws a disk error that says which file and why, from every call
 */
export async function openLines(path: string): Promise<LineWriter> {
  const attempt = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw diskError(path, error);
    }
  };
  const target = await attempt(() => openTarget(path));
  let pending = "";
  let done = false;
  const flush = async (): Promise<void> => {
    const text = pending;
    pending = "";
    await target.file.writeFile(text);
  };
  return {
    line: (text) =>
      attempt(async () => {
        pending += `${text}\n`;
        if (pending.length >= PIECE) await flush();
      }),
    commit: () =>
      attempt(async () => {
        await flush();
        await target.commit();
        done = true;
      }),
    async discard() {
      if (!done) await target.discard();
    },
  };
}

async function openTarget(path: string): Promise<Omit<BesideFile, "temporary">> {
  const found = await stat(path).catch(() => undefined);
  if (!found || found.isFile() || found.isDirectory()) return openBeside(path);
  const file = await open(path, "w");
  return { file, commit: () => file.close(), discard: () => file.close() };
}
