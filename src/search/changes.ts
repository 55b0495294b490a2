/** @file What has changed since an index was made: by size and time, and where these differ by the hash of the bytes. */

import { createHash } from "node:crypto";
import type { Manifest } from "./folder.ts";
import type { IndexedFile, Shard } from "./shard.ts";

/** A picture's file as it lies on the disk now. */
export type Seen = Omit<IndexedFile, "sha256">;

/** A vector that an index has already, for a file with another name or time. */
interface Kept {
  readonly file: IndexedFile;
  readonly shard: Shard;
  readonly row: number;
}

/** What is to be done. */
export interface UpdatePlan {
  /** Files to be computed. */
  readonly todo: readonly Seen[];
  /** Those of them that the index knows with other bytes. */
  readonly changed: ReadonlySet<string>;
  readonly kept: readonly Kept[];
  readonly removed: number;
  readonly unchanged: number;
  /** Files that could not be read before, and are the same. */
  readonly unreadable: Manifest["unreadable"];
}

export const hashBytes = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/**
 * What the files on the disk ask of an index.
 *
 * @param read reads a file whose name is known with another size or time, or that may be one that was moved
 */
export async function planUpdate(
  seen: readonly Seen[],
  shards: readonly Shard[],
  unreadable: Manifest["unreadable"],
  read: (path: string) => Promise<Uint8Array>,
): Promise<UpdatePlan> {
  const known = new Map<string, Kept>(); // of two with one path the later holds
  for (const shard of shards) {
    shard.files().forEach((file, row) => known.set(file.path, { file, shard, row }));
  }
  const bad = new Map(unreadable.map((one) => [one.path, one]));
  const present = new Set(seen.map(({ path }) => path));
  const gone = [...known.values()].filter(({ file }) => !present.has(file.path));
  const goneSizes = new Set(gone.map(({ file }) => file.size));
  const byHash = new Map([...known.values()].map((one) => [one.file.sha256, one]));
  const todo: Seen[] = [];
  const kept: Kept[] = [];
  const stillBad: Manifest["unreadable"] = [];
  const changed = new Set<string>();
  let unchanged = 0;
  for (const one of seen) {
    const old = known.get(one.path)?.file;
    const failed = bad.get(one.path);
    if (old && isSame(old, one)) {
      unchanged++;
      continue;
    }
    if (failed && isSame(failed, one)) {
      stillBad.push(failed);
      continue;
    }
    const mayBeKnown = old ? old.size === one.size : goneSizes.has(one.size);
    if (mayBeKnown) {
      const bytes = await read(one.path).catch(() => undefined);
      const sha256 = bytes && hashBytes(bytes);
      const same = sha256 === undefined ? undefined : byHash.get(sha256);
      if (same) {
        kept.push({ ...same, file: { ...one, sha256: same.file.sha256 } });
        continue;
      }
    }
    todo.push(one);
    if (old) changed.add(one.path);
  }
  const moved = new Set(kept.map(({ shard, row }) => shard.files()[row].path));
  const removed = gone.filter(({ file }) => !moved.has(file.path)).length;
  return { todo, changed, kept, removed, unchanged, unreadable: stillBad };
}

const isSame = (a: Seen, b: Seen): boolean => a.size === b.size && a.mtime === b.mtime;
