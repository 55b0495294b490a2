/** @file Inflating deflate and gzip bytes to a size that is known and checked beforehand. */

import { Inflate, inflateSync } from "fflate";
import { formatError, guard, viewOf } from "./bytes.ts";
import { crc32 } from "./crc32.ts";

/** Deflate yields at most 258 bytes for two bits. */
const MAX_RATIO = 1032;
/** A piece of input yields at most 66 MB, and a member that lies is stopped after the piece that shows it. */
const PIECE = 1 << 16;

/** The `size` bytes that deflated bytes hold; any other size is a format error, found without allocating more. */
export function inflateExactly(deflated: Uint8Array, size: number, what: string): Uint8Array {
  if (size > MAX_RATIO * deflated.length) {
    throw formatError(`${what}: ${deflated.length} deflated bytes cannot hold ${size} bytes.`);
  }
  return guard(what, () => {
    if (deflated.length <= PIECE) {
      // at once, as a stream's buffers cost more than a small member; the byte beyond shows one that is longer
      const all = inflateSync(deflated, { out: new Uint8Array(size + 1) });
      if (all.length === size) return all;
      if (all.length > size) throw formatError(`${what} inflates beyond its ${size} bytes.`);
      throw formatError(`${what} inflates to ${all.length} bytes instead of ${size}.`);
    }
    const out = new Uint8Array(size);
    let at = 0;
    const stream = new Inflate((piece) => {
      if (at + piece.length > size) throw formatError(`${what} inflates beyond its ${size} bytes.`);
      out.set(piece, at);
      at += piece.length;
    });
    for (let from = 0; from < deflated.length; from += PIECE) {
      stream.push(deflated.subarray(from, from + PIECE), from + PIECE >= deflated.length);
    }
    if (at !== size) throw formatError(`${what} inflates to ${at} bytes instead of ${size}.`);
    return out;
  });
}

/** Whether bytes begin like a gzip file. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The content of a gzip file of one member, checksum verified; more than `maxBytes` is a format error. */
export function gunzip(bytes: Uint8Array, maxBytes: number, what: string): Uint8Array {
  return guard(what, () => {
    const view = viewOf(bytes);
    const flags = view.getUint8(3);
    if (!isGzip(bytes) || bytes[2] !== 8) throw formatError(`${what} is not gzip.`);
    let start = 10;
    if (flags & 4) start += 2 + view.getUint16(start, true);
    for (let names = ((flags >> 3) & 1) + ((flags >> 4) & 1); names > 0; names--) {
      while (view.getUint8(start++) !== 0);
    }
    if (flags & 2) start += 2;
    const end = bytes.length - 8;
    if (start > end) throw formatError(`${what} is truncated.`);
    const size = view.getUint32(end + 4, true);
    if (size > maxBytes) {
      throw formatError(`${what} would inflate to ${size} bytes, above the limit of ${maxBytes}.`);
    }
    const content = inflateExactly(bytes.subarray(start, end), size, what);
    if (crc32(content) !== view.getUint32(end, true)) {
      throw formatError(`${what}: the checksum does not match.`);
    }
    return content;
  });
}
