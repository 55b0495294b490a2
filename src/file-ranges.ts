/** @file A file as bytes that are read in ranges, so that one above 2 GiB is never one buffer. */

import { closeSync, fstatSync, readSync } from "node:fs";
import { OcelliError } from "./errors.ts";
import { openRegularSync } from "./files.ts";
import { LIMITS } from "./formats/budget.ts";
import { type ByteRanges, decodeUtf8 } from "./formats/bytes.ts";

/** The most bytes of one read: the system's own limit is 2 GiB less a page. */
const PIECE = 1 << 30;

/**
 * Opens a file for reading in ranges, each into a buffer of its own; disposing closes it.
 *
 * @throws a data error where it cannot be read, or is no regular file
 */
export function openRanges(path: string): ByteRanges & Disposable {
  const file = attempt(path, () => openRegularSync(path));
  const length = attempt(path, () => fstatSync(file).size);
  return {
    length,
    subarray: (begin, end) => attempt(path, () => readRange(path, file, begin, end)),
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** The text of a small file, such as JSON beside weights. */
export function readSmallText(path: string): string {
  using bytes = openRanges(path);
  if (bytes.length > LIMITS.jsonBytes) {
    throw new OcelliError("data", `${path} of ${bytes.length} bytes is too large for JSON.`);
  }
  return decodeUtf8(bytes.subarray(0, bytes.length), path);
}

/** A file as {@link openRanges} gives it, without anything to close: every read opens the file anew. */
export function reopenedRanges(path: string): ByteRanges {
  using file = openRanges(path);
  return {
    length: file.length,
    subarray(begin, end) {
      using opened = openRanges(path);
      return opened.subarray(begin, end);
    },
  };
}

function readRange(path: string, file: number, begin: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - begin);
  for (let at = 0; at < bytes.length;) {
    const count = readSync(file, bytes, at, Math.min(PIECE, bytes.length - at), begin + at);
    if (count === 0) throw new OcelliError("data", `${path} has become shorter while it was read.`);
    at += count;
  }
  return bytes;
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof OcelliError) throw cause;
    const { code = String(cause), message } = cause as NodeJS.ErrnoException;
    const known: Readonly<Record<string, string>> = {
      ENOENT: "there is no such file",
      ENOTREG: message,
    };
    const why = known[code] ?? code;
    throw new OcelliError("data", `cannot read ${path}: ${why}.`, { cause });
  }
}
