/** @file Files that appear whole or not at all. */

import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { OcelliError } from "../errors.ts";

/** What stands behind a file's name while it is being written. */
export const PARTIAL = ".partial";

/**
 * Writes a file by way of a temporary one beside it: written, flushed to the disk, renamed, and the folder flushed.
 * Whatever interrupts it, the path holds the old content or the new. Chunks are asked for one after another.
 *
 * @throws a disk error that says which file and why
 */
export async function writeAtomically(
  path: string,
  content: string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}${PARTIAL}`;
  const chunks = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  try {
    const file = await open(temporary, "w");
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw diskError(path, error);
  }
}

/** Flushes a folder's entries; Windows cannot open folders and flushes them itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would exceed the size that is allowed",
  EROFS: "the disk is read-only",
  EACCES: "that is not permitted",
  EPERM: "that is not permitted",
  ENOENT: "there is no such folder",
  EIO: "the disk failed",
};

/** Why the system refused to write, in words where it is known. */
export const reasonOf = (code: string): string =>
  Object.hasOwn(REASONS, code) ? `${REASONS[code]} (${code})` : code;

/** The error for a file that could not be written, where the system says why; other errors as they are. */
export function diskError(path: string, cause: unknown): unknown {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || cause instanceof OcelliError) return cause;
  return new OcelliError("disk", `cannot write ${path}: ${reasonOf(code)}.`, { cause });
}
