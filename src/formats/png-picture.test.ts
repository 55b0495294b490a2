/** @file PNG pictures of every kind against Node's decoder: equal, byte for byte. */

import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeImage } from "../data/decode/decode.ts";
import { opaque } from "../preprocess/alpha.ts";
import { type ByteImage, rgb } from "../preprocess/image.ts";
import { upright } from "../preprocess/upright.ts";
import { concatBytes } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { readPngPicture } from "./png-picture.ts";

const [WIDTH, HEIGHT] = [19, 13];
const values = (channels: number): Uint8Array =>
  Uint8Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) => (i * 37 + (i >> 4)) % 256);
const raw = (channels: 1 | 2 | 3 | 4) =>
  sharp(values(channels), { raw: { width: WIDTH, height: HEIGHT, channels } });
const deep = (channels: 1 | 3) =>
  sharp(
    Uint16Array.from(values(channels), (value, i) => value * 256 + (i % 256)),
    {
      raw: { width: WIDTH, height: HEIGHT, channels },
    },
  ).toColourspace(channels === 1 ? "grey16" : "rgb16");

/** A file with a further chunk behind its header. */
function withChunk(file: Uint8Array, name: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(name, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return concatBytes([file.subarray(0, 33), chunk, file.subarray(33)]);
}

const KINDS: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  grey: () => raw(1).toColourspace("b-w").png().toBuffer(),
  "grey with alpha": () => raw(2).toColourspace("b-w").png().toBuffer(),
  colours: () => raw(3).png().toBuffer(),
  "colours with alpha": () => raw(4).png().toBuffer(),
  palette: () => raw(3).png({ palette: true, colours: 200 }).toBuffer(),
  "16 colours": () => raw(3).png({ palette: true, colours: 16 }).toBuffer(),
  "2 colours": () => raw(3).png({ palette: true, colours: 2 }).toBuffer(),
  "palette with alpha": () => raw(4).png({ palette: true, colours: 64 }).toBuffer(),
  "16 bits": () => deep(3).png().toBuffer(),
  "16 bits, grey": () => deep(1).png().toBuffer(),
  interlaced: () => raw(3).png({ progressive: true }).toBuffer(),
  "interlaced with alpha": () => raw(4).png({ progressive: true }).toBuffer(),
  "filters of every kind": () => raw(3).png({ adaptiveFiltering: true }).toBuffer(),
  turned: () => raw(4).withMetadata({ orientation: 5 }).png().toBuffer(),
  "a colour that is transparent": async () =>
    withChunk(await raw(3).png().toBuffer(), "tRNS", Uint8Array.of(0, 0, 0, 37, 0, 74)),
  "a grey that is transparent": async () =>
    withChunk(await raw(1).toColourspace("b-w").png().toBuffer(), "tRNS", Uint8Array.of(0, 37)),
};

test.each(Object.entries(KINDS))("%s", async (_, make) => {
  const file = await make();
  for (const alpha of [[255, 255, 255], [10, 20, 30], "drop"] as const) {
    const { pixels, orientation } = readPngPicture(file, "x.png");
    const own = rgb(opaque(upright(pixels as ByteImage, orientation), alpha));
    const theirs = await decodeImage(file, { alpha });
    expect(own.shape).toEqual(theirs.shape);
    expect(Buffer.compare(own.data as Uint8Array, theirs.data), String(alpha)).toBe(0);
  }
});

test("a file that is cut off, or whose palette is too short, is refused by its name", async () => {
  const file = await KINDS.colours();
  expect(() => readPngPicture(file.subarray(0, 60), "x.png")).toThrow("x.png is truncated");
  expect(() => readPngPicture(Uint8Array.of(1, 2), "x.png")).toThrow("x.png is no PNG file");
});
