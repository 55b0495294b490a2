/** @file Small image files that keep a decoder busy for long, for tests. */

import { deflateSync } from "node:zlib";
import { crc32 } from "../../formats/crc32.ts";

const u16 = (...values: readonly number[]): Buffer =>
  Buffer.concat(values.map((value) => Buffer.of(value >> 8, value & 255)));

const segment = (marker: number, ...content: readonly Uint8Array[]): Buffer => {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Buffer.of(0xff, marker), u16(bytes.length + 2), bytes]);
};

/** Bits as the coded data of a scan: filled up with ones, a zero after each byte of ones. */
function coded(bits: string): Buffer {
  const bytes = bits.match(/.{1,8}/g)!.map((byte) => parseInt(byte.padEnd(8, "1"), 2));
  return Buffer.from(bytes.flatMap((byte) => (byte === 255 ? [255, 0] : [byte])));
}

/** A grey progressive JPEG, whole and valid, whose scans pass over all of it and say nothing. */
export function jpegOfScans(width: number, height: number, scans: number): Uint8Array {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const runs = Array.from({ length: Math.floor(blocks / 32_767) }, () => `0${"1".repeat(14)}`);
  const nothing = coded(runs.join("") + "10".repeat(blocks % 32_767));
  const passes: Buffer[] = [];
  for (let k = 1; k < 64; k++) {
    for (let bit = 13; bit >= 0 && passes.length < scans; bit--) {
      const before = bit === 13 ? 0 : bit + 1;
      const head = segment(0xda, Buffer.of(1, 1, 0, k, k, (before << 4) | bit));
      passes.push(Buffer.concat([head, nothing]));
    }
  }
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    segment(0xdb, Buffer.of(0), Buffer.alloc(64, 1)),
    segment(0xc2, Buffer.of(8), u16(height, width), Buffer.of(1, 1, 0x11, 0)),
    segment(0xc4, Buffer.of(0x00, 1), Buffer.alloc(15), Buffer.of(0)),
    segment(0xc4, Buffer.of(0x10, 1, 1), Buffer.alloc(14), Buffer.of(0xe0, 0)), // a long run of empty blocks, and one
    segment(0xda, Buffer.of(1, 1, 0, 0, 0, 0)),
    coded("0".repeat(blocks)),
    ...passes,
    Buffer.of(0xff, 0xd9),
  ]);
}

/** A PNG with texts before its pixels that unpack to 7.9 million zeros each. */
export function pngOfTexts(png: Uint8Array, texts: number): Uint8Array {
  const content = Buffer.concat([Buffer.from("zTXta\0\0"), deflateSync(Buffer.alloc(7_900_000))]);
  const chunk = Buffer.alloc(content.length + 8);
  chunk.writeUInt32BE(content.length - 4);
  chunk.set(content, 4);
  chunk.writeUInt32BE(crc32(content), content.length + 4);
  const at = Buffer.from(png).indexOf("IDAT") - 4;
  return Buffer.concat([
    png.subarray(0, at),
    ...Array<Buffer>(texts).fill(chunk),
    png.subarray(at),
  ]);
}

/** A TIFF of one grey pixel, again and again. */
export function tiffOfDirectories(count: number): Uint8Array {
  const entries = [
    [256, 1],
    [257, 1],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 1],
    [279, 1],
  ];
  const size = 2 + 12 * entries.length + 4;
  const file = Buffer.alloc(10 + size * count);
  file.write("II*\0", "latin1");
  file.writeUInt32LE(10, 4);
  for (let i = 0; i < count; i++) {
    const at = 10 + size * i;
    file.writeUInt16LE(entries.length, at);
    entries.forEach(([tag, value], j) => {
      file.writeUInt16LE(tag, at + 2 + 12 * j);
      file.writeUInt16LE(4, at + 4 + 12 * j);
      file.writeUInt32LE(1, at + 6 + 12 * j);
      file.writeUInt32LE(value, at + 10 + 12 * j);
    });
    if (i < count - 1) file.writeUInt32LE(at + size, at + size - 4);
  }
  return file;
}
