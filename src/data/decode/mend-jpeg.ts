/** @file JPEG files that decoders warn of although every pixel is there: their headers put right. */

import { concatBytes } from "../../formats/bytes.ts";

const [START_OF_SCAN, END, APP0, ADOBE] = [0xda, 0xd9, 0xe0, 0xee];

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
/** Start of frame, of any coding; the others between are tables. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Whether bytes begin with a text. */
const startsWith = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((letter, i) => bytes[i] === letter.charCodeAt(0));

/**
 * A JPEG without what lies between the segments of its header, whose JFIF revision and Adobe transform are those that
 * libjpeg assumes where it warns that it does not know them; undefined where nothing of this kind is wrong. Its scans
 * stay as they are, so that a decoder that takes no warnings still refuses one that is cut off or damaged.
 */
export function mendJpeg(file: Uint8Array): Uint8Array | undefined {
  const parts: Uint8Array[] = [file.subarray(0, 2)];
  const adobes: Uint8Array[] = [];
  let mended = false;
  let colours = 0;
  let at = 2;
  while (at < file.length) {
    const found = nextMarker(file, at);
    if (found === undefined) return undefined;
    if (found > at) mended = true;
    const marker = file[found + 1];
    if (marker === END) {
      parts.push(file.subarray(found));
      break;
    }
    const length = (file[found + 2] << 8) | file[found + 3];
    const end = found + 2 + length;
    if (!(length >= 2) || end > file.length) return undefined;
    let segment = file.subarray(found, end);
    const content = segment.subarray(4);
    if (marker === APP0 && startsWith(content, "JFIF\0") && content[5] !== 1) {
      segment = segment.slice();
      segment.set([1, 1], 4 + 5);
      mended = true;
    }
    if (marker === ADOBE && startsWith(content, "Adobe") && content[11] > 2) {
      segment = segment.slice();
      adobes.push(segment);
      mended = true;
    }
    if (isFrame(marker)) colours = content[5];
    parts.push(segment);
    at = end;
    if (marker !== START_OF_SCAN) continue;
    const after = endOfScan(file, at);
    parts.push(file.subarray(at, after));
    at = after;
  }
  for (const segment of adobes) segment[4 + 11] = colours === 4 ? 2 : 1; // YCCK or YCbCr
  return mended ? concatBytes(parts) : undefined;
}

/** Where the next marker begins; a marker's first byte may be repeated. */
function nextMarker(file: Uint8Array, from: number): number | undefined {
  for (let at = from; at + 1 < file.length; at++) {
    if (file[at] === 0xff && file[at + 1] !== 0xff && file[at + 1] !== 0) return at;
  }
  return undefined;
}

/** Where the coded data of a scan ends: at a marker that is none of its own. */
function endOfScan(file: Uint8Array, from: number): number {
  for (let at = from; at + 1 < file.length; at++) {
    const [first, second] = [file[at], file[at + 1]];
    if (first === 0xff && second !== 0 && second !== 0xff && !isRestart(second)) return at;
  }
  return file.length;
}
