/** @file A folder of files that may be made again, kept below a size: what was not used for longest goes first. */

import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

/** Marks a file as used now. */
export async function touch(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined); // of a folder that may only be read
}

/** Removes files below a folder until they have no more than `maxBytes` together; `keep` stays in any case. */
export async function pruneFolder(folder: string, maxBytes: number, keep: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const found = await stat(path).catch(() => undefined); // another process may have removed it
        return { path, bytes: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
      }),
  );
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of files.sort((a, b) => a.used - b.used)) {
    if (total <= maxBytes) return;
    if (path === keep) continue;
    await rm(path, { force: true });
    total -= bytes;
  }
}
