/** @file Which files may cost a decoder time out of proportion to their bytes and pixels. */

import { imageKind } from "./image-kind.ts";

/** Kinds whose work is in proportion: JPEG by its scans. Other decoders look through all of a file's structure first. */
const PROPORTIONAL = ["JPEG", "PNG", "WebP"];
/** Scans of a JPEG. Each passes over all pixels, though it may take two bytes; the usual progressive file has 10. */
const MOST_SCANS = 32;

/** Whether an image file is to be decoded in a process that can be ended. */
export function isUnbounded(file: Uint8Array): boolean {
  const kind = imageKind(file);
  if (kind === undefined || !PROPORTIONAL.includes(kind)) return true;
  return kind === "JPEG" && hasMoreScans(file, MOST_SCANS);
}

const SCAN = Uint8Array.of(0xff, 0xda);

function hasMoreScans({ buffer, byteOffset, length }: Uint8Array, most: number): boolean {
  const bytes = Buffer.from(buffer, byteOffset, length);
  let count = 0;
  for (let at = bytes.indexOf(SCAN); at >= 0; at = bytes.indexOf(SCAN, at + 2)) {
    if (++count > most) return true;
  }
  return false;
}
