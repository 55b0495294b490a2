/** @file Which format an image file has, by its first bytes; its name says nothing. */

import type { DecodingCost } from "../../formats/budget.ts";

/** The formats that are decoded. */
const DECODED = ["JPEG", "PNG", "WebP", "GIF", "AVIF", "TIFF"] as const;

const text = (bytes: Uint8Array, begin: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(begin, end));

const starts = (bytes: Uint8Array, ...wanted: readonly number[]): boolean =>
  wanted.every((byte, i) => bytes[i] === byte);

/** Formats by how they begin: the decoded ones, and others that are met under their names. */
const KINDS: readonly (readonly [kind: string, is: (bytes: Uint8Array) => boolean])[] = [
  ["JPEG", (bytes) => starts(bytes, 0xff, 0xd8)], // stray bytes may follow
  ["PNG", (bytes) => starts(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
  ["WebP", (bytes) => text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 12) === "WEBP"],
  ["GIF", (bytes) => /^GIF8[79]a$/.test(text(bytes, 0, 6))],
  ["AVIF", (bytes) => brands(bytes).some((brand) => /^avi[fs]$/.test(brand))],
  ["TIFF", (bytes) => /^(II[*+]\0|MM\0[*+])$/.test(text(bytes, 0, 4))],
  ["HEIC", (bytes) => brands(bytes).some((brand) => /^(hei|hev|mif|msf)/.test(brand))],
  ["JPEG XL", (bytes) => starts(bytes, 0xff, 0x0a) || text(bytes, 4, 8) === "JXL "],
  ["JPEG 2000", (bytes) => text(bytes, 4, 8) === "jP  " || starts(bytes, 0xff, 0x4f, 0xff, 0x51)],
  ["BMP", (bytes) => text(bytes, 0, 2) === "BM"],
  ["PNM", (bytes) => /^P[1-7][\s#]/.test(text(bytes, 0, 3))],
  ["PDF", (bytes) => text(bytes, 0, 5) === "%PDF-"],
  ["SVG", (bytes) => /^\s*<(svg|\?xml|!--|!doctype\s+svg)[\s\S]*/i.test(opening(bytes))],
];

/** The beginning of a text, without a byte order mark. */
const opening = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes.subarray(0, 256)).replaceAll("\0", "");

/** The brands of a file of boxes, such as AVIF. */
function brands(bytes: Uint8Array): string[] {
  if (text(bytes, 4, 8) !== "ftyp") return [];
  const end = Math.min(bytes.length, 256, bytes[2] * 256 + bytes[3]);
  const found = [text(bytes, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) found.push(text(bytes, at, at + 4));
  return found;
}

/** The format of an image file, by its first bytes; undefined where it is none that is known. */
export const imageKind = (bytes: Uint8Array): string | undefined =>
  KINDS.find(([, is]) => is(bytes))?.[0];

/** How much memory decoding a file takes for each pixel, by its format: PNG and WebP take the least. */
export const decodingCost = (bytes: Uint8Array): DecodingCost =>
  ["PNG", "WebP"].includes(imageKind(bytes) ?? "") ? 2 : 4;

/** Why a file is not decoded; undefined where it is of a decoded format. */
export function refusal(bytes: Uint8Array): string | undefined {
  const kind = imageKind(bytes);
  if (kind !== undefined && (DECODED as readonly string[]).includes(kind)) return undefined;
  const valid = `${DECODED.slice(0, -1).join(", ")} and ${DECODED.at(-1)} are decoded`;
  return kind === undefined
    ? `it is no image of a known format; ${valid}`
    : `it is ${kind}; ${valid}`;
}
