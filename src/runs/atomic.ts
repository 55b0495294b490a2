/** @file Files that appear whole or not at all. */

import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file by way of a temporary one beside it: written, flushed to the disk, renamed, and the folder flushed.
 * Whatever interrupts it, the path holds the old content or the new.
 */
export async function writeAtomically(
  path: string,
  content: string | readonly Uint8Array[],
): Promise<void> {
  const temporary = `${path}.partial`;
  const chunks = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  const file = await open(temporary, "w");
  try {
    for (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
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
