/** @file Files read at any place, local or over HTTP. */

import { OcelliError } from "../../errors.ts";
import { openRegular } from "../../files.ts";
import { cannotRead } from "./files.ts";
import { isUrl, openUrl } from "./http.ts";
import type { ByteFile } from "./random-access.ts";

/** Opens a local path, or an http or https address whose server answers range requests. */
export async function openBytes(path: string): Promise<ByteFile> {
  if (isUrl(path)) return openUrl(path);
  try {
    const handle = await openRegular(path);
    const { size } = await handle.stat().finally(() => handle.close());
    return { name: path, size, piece: 4096, read: (b, e) => readLocal(path, b, e) };
  } catch (error) {
    throw error instanceof OcelliError ? error : cannotRead(path, error);
  }
}

async function readLocal(path: string, begin: number, end: number): Promise<Uint8Array> {
  try {
    const handle = await openRegular(path);
    try {
      const bytes = new Uint8Array(end - begin);
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, begin + at);
        if (bytesRead === 0) {
          throw new OcelliError("data", `${path} ends at byte ${begin + at}, before ${end}.`, {
            hint: "It was cut short since it was opened.",
          });
        }
        at += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof OcelliError ? error : cannotRead(path, error);
  }
}

const LARGEST_PIECE = 1 << 20;

/**
 * Reads a file from front to back: pieces that grow while everything is asked for, and shrink where most is skipped.
 * The bytes are views that hold until the next call; a range beyond the file's end is cut.
 */
export function forwardReader(
  file: ByteFile,
): (begin: number, length: number) => Promise<Uint8Array> {
  let window: Uint8Array = new Uint8Array();
  let from = 0;
  let piece = file.piece;
  return async (begin, length) => {
    const end = Math.min(file.size, begin + length);
    if (begin < from || end > from + window.length) {
      const near = begin <= from + window.length + piece;
      piece = near ? Math.max(file.piece, Math.min(LARGEST_PIECE, 2 * piece)) : file.piece;
      window = await file.read(begin, Math.max(end, Math.min(file.size, begin + piece)));
      from = begin;
    }
    return window.subarray(begin - from, end - from);
  };
}
