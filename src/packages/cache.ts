/** @file The user's cache: what is fetched once is kept there, whole or not at all. */

import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { access, constants, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openRegular, reasonOf } from "../files.ts";

/** Where fetched files of a kind are kept: `OCELLI_CACHE`, else the user's cache folder. */
export function cacheFolder(kind: string): string {
  const { OCELLI_CACHE, XDG_CACHE_HOME } = process.env;
  const root = OCELLI_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ocelli");
  return join(root, kind);
}

/** Folders that stand for those of the cache that cannot be written, until this process ends. */
const standIns = new Map<string, Promise<string>>();

/** A folder of the cache; where it cannot be written a temporary one in its place, which is reported. */
export async function writableCache(
  folder: string,
  report: (line: string) => void = () => undefined,
): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return folder;
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    if (!standIns.has(folder)) {
      const reason =
        code === "EEXIST" || code === "ENOTDIR" ? "a file is in its way" : reasonOf(code);
      report(`the cache ${folder} cannot be written: ${reason}; what is fetched is not kept`);
      standIns.set(folder, makeStandIn());
    }
    return standIns.get(folder)!;
  }
}

async function makeStandIn(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ocelli-cache-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Renames a whole folder into its place; whether it took it: another process may have been faster. */
export async function putFolder(whole: string, place: string): Promise<boolean> {
  try {
    await rename(whole, place);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOTEMPTY", "EEXIST", "EPERM"].includes(code) && existsSync(place)) return false;
    throw error;
  }
}

/**
 * What `fill` makes of a new folder beside a path, which it may put in the path's place; what is left of the folder is
 * taken away in any case.
 */
export async function withFolderBeside<T>(
  path: string,
  fill: (partial: string) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const partial = await mkdtemp(`${path}.partial-`);
  try {
    return await fill(partial);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Hashes by file, as it was when it was read. */
const hashes = new Map<string, string>();

/** The SHA-256 of a file, in hexadecimal digits; a file that has not changed is read once. */
export async function sha256OfFile(file: string): Promise<string> {
  await using handle = await openRegular(file);
  const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  const key = [dev, ino, size, mtimeNs, ctimeNs].join();
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  for await (const chunk of handle.createReadStream({ autoClose: false })) {
    hash.update(chunk as Buffer);
  }
  const digest = hash.digest("hex");
  hashes.set(key, digest);
  return digest;
}
