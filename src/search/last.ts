/** @file The index that was made last, for searches that name none. */

import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { OcelliError } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import { cacheFolder } from "../packages/cache.ts";
import { INDEX_FOLDER } from "./folder.ts";

const lastFile = (): string => join(cacheFolder("search"), "last.txt");

/** Remembers an index; where the cache cannot be written, nothing is. */
export async function rememberIndex(index: string): Promise<void> {
  try {
    await mkdir(cacheFolder("search"), { recursive: true });
    await writeAtomically(lastFile(), `${resolve(index)}\n`);
  } catch {
    return; // searches then name theirs
  }
}

/**
 * The index of this folder, or else the one that was made last.
 *
 * @throws an argument error where there is neither
 */
export async function usualIndex(): Promise<string> {
  if (existsSync(INDEX_FOLDER)) return INDEX_FOLDER;
  const last = await readFile(lastFile(), "utf8").catch(() => "");
  if (last.trim() !== "" && existsSync(last.trim())) return last.trim();
  throw new OcelliError("argument", "there is no index here, and none was made before.", {
    hint: "Make one: ocelli search index DIR; or name one as --index.",
  });
}
