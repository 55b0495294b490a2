/** @file Reading data files, with errors that say which file and what to do. */

import { readdir } from "node:fs/promises";
import { OcelliError } from "../../errors.ts";
import { openRegular } from "../../files.ts";
import { LIMITS } from "../../formats/budget.ts";

const reason = (path: string, error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" && path.includes("\uFFFD")) return "its name is not UTF-8; rename it";
  if (code === "ENOENT") return "there is no such file or folder";
  if (code === "ENOTDIR") return "it is not a folder";
  if (code === "EISDIR") return "it is a folder";
  if (code === "ELOOP") return "its symbolic links go in a circle";
  if (code === "EACCES") return "it may not be read";
  return error instanceof Error ? error.message : String(error);
};

/** The error for a file or folder that cannot be read. */
export const cannotRead = (path: string, error: unknown, hint?: string): OcelliError =>
  new OcelliError("data", `cannot read ${path}: ${reason(path, error)}.`, { hint, cause: error });

/** How {@link readDataFile} reads. */
interface ReadOptions {
  /** How to get a missing file. */
  readonly hint?: string;
  /** A larger file is an error. Default: 2 GiB. */
  readonly maxBytes?: number;
}

/** The bytes of a data file, which must be a regular one: a device would never end, a pipe be waited for. */
export async function readDataFile(
  path: string,
  { hint, maxBytes = LIMITS.fileBytes }: ReadOptions = {},
): Promise<Uint8Array> {
  try {
    await using handle = await openRegular(path);
    const { size } = await handle.stat();
    if (size > maxBytes) {
      throw new OcelliError("data", `${path} of ${size} bytes is larger than ${maxBytes}.`);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) break; // it has become shorter
      at += bytesRead;
    }
    return at < bytes.length ? bytes.slice(0, at) : bytes;
  } catch (error) {
    throw error instanceof OcelliError ? error : cannotRead(path, error, hint);
  }
}

/** The bytes of an image's file. */
export const readImageFile = (path: string): Promise<Uint8Array> =>
  readDataFile(path, { maxBytes: LIMITS.imageBytes });

/** The names in a data folder, sorted. */
export async function listDataFolder(path: string, hint?: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    throw cannotRead(path, error, hint);
  }
}

/** What `parse` makes of a file's content; its errors name the file. */
export function parseDataFile<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    throw new OcelliError("data", `${path}: ${error.message}`, { cause: error });
  }
}
