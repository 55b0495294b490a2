/** @file What the hub says of a file's content, and whether a copy of it is whole. */

import { type Hash, createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { sha256OfFile } from "../packages/cache.ts";

/** What the hub says of a file. */
export interface HubFile {
  /** Bytes. */
  readonly size: number;
  /** The SHA-256 of a large file, or git's SHA-1 of a small one, in quotes or not; other servers say something else. */
  readonly etag: string;
}

/** Where what the hub said of a file is kept. */
export const noteFile = (path: string): string => join(dirname(path), `.${basename(path)}.hub`);

/** Checks content piece by piece against what the hub says of it; an error tells what differs. */
export function contentCheck({ size, etag }: HubFile) {
  const digest = digestIn(etag);
  const hash = digest === undefined ? undefined : begunHash(digest, size);
  let count = 0;
  return {
    add(piece: Uint8Array): void {
      count += piece.length;
      if (count > size) throw new Error(`it has more than the ${size} bytes that the hub says`);
      hash?.update(piece);
    },
    end(): void {
      if (count < size) throw new Error(`it ends after ${count} of ${size} bytes`);
      if (hash && hash.digest("hex") !== digest) {
        throw new Error("its content has another hash than the hub says");
      }
    },
  };
}

/** The hash that the hub gives, if it gives one. */
const digestIn = (etag: string): string | undefined =>
  /^(?:W\/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?$/.exec(etag)?.[1];

/** Git hashes a file with its kind and size in front. */
function begunHash(digest: string, size: number): Hash {
  if (digest.length === 64) return createHash("sha256");
  return createHash("sha1").update(`blob ${size}\0`);
}

/** Whether a file is what the hub said of it when it was fetched; a file without a note is taken as it is. */
export async function isIntact(path: string): Promise<boolean> {
  const note = await readFile(noteFile(path), "utf8").catch(() => undefined);
  if (note === undefined) return true;
  try {
    const known = JSON.parse(note) as HubFile;
    if ((await stat(path)).size !== known.size) return false;
    const digest = digestIn(known.etag);
    if (digest?.length === 64) return (await sha256OfFile(path)) === digest;
    const check = contentCheck(known);
    for await (const piece of createReadStream(path)) check.add(piece as Buffer);
    check.end();
    return true;
  } catch {
    return false;
  }
}
