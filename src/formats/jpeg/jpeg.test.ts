/** @file Decoded JPEG files against libjpeg, as Node's decoder has it: equal, byte for byte. */

import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeImage } from "../../data/decode/decode.ts";
import { jpegOfScans } from "../../data/decode/slow-fixtures.ts";
import { type ByteImage, rgb } from "../../preprocess/image.ts";
import { inksToColours } from "../../preprocess/inks.ts";
import { upright } from "../../preprocess/upright.ts";
import { JPEG_FIXTURES, jpegFixture } from "./fixtures.ts";
import { readJpeg } from "./jpeg.ts";

/** Pixels with edges, slopes and noise. */
const pixelsOf = (size: number): Uint8Array =>
  Uint8Array.from(
    { length: size },
    (_, i) => (Math.sin(i / 90) * 100 + 128 + ((i * i) % 67)) & 255,
  );

const pictureOf = (width: number, height: number) =>
  sharp(pixelsOf(width * height * 3), { raw: { width, height, channels: 3 } });

/** Colours, upright. */
function decoded(file: Uint8Array): ByteImage {
  const { pixels, orientation } = readJpeg(file, "x.jpg");
  const [height, width, channels] = pixels.shape;
  const data = channels === 4 ? inksToColours(pixels.data as Uint8Array) : pixels.data;
  const shape = [height, width, channels === 4 ? 3 : channels] as const;
  return rgb(upright({ ...pixels, shape, data } as ByteImage, orientation)) as ByteImage;
}

async function expectSame(file: Uint8Array, name: string): Promise<void> {
  const [own, theirs] = [decoded(file), await decodeImage(file)];
  expect(own.shape, name).toEqual(theirs.shape);
  expect(Buffer.compare(own.data, theirs.data), name).toBe(0);
}

test("sizes around blocks, both samplings, sequential and progressive, coarse and fine", async () => {
  for (const width of [1, 2, 3, 7, 8, 9, 16, 17, 33]) {
    for (const height of [1, 2, 5, 16, 17]) {
      for (const chromaSubsampling of ["4:2:0", "4:4:4"]) {
        for (const progressive of [false, true]) {
          const quality = (width + height) % 2 ? 30 : 95;
          const how = { quality, chromaSubsampling, progressive };
          const file = await pictureOf(width, height).jpeg(how).toBuffer();
          await expectSame(file, `${width} × ${height} ${JSON.stringify(how)}`);
        }
      }
    }
  }
});

test.each(Object.keys(JPEG_FIXTURES) as (keyof typeof JPEG_FIXTURES)[])("%s", (name) =>
  expectSame(jpegFixture(name), name),
);

test("half as many rows of colour, made of a file with half as many columns", async () => {
  const file = Buffer.from(jpegFixture("4:2:2"));
  const frame = file.indexOf(Buffer.from([0xff, 0xc0]));
  file.writeUInt16BE(16, frame + 5); // 16 × 16: two units either way
  file.writeUInt16BE(16, frame + 7);
  expect(file[frame + 11]).toBe(0x21);
  file[frame + 11] = 0x12;
  const { pixels } = readJpeg(file, "x.jpg");
  const { data } = await sharp(file, { failOn: "none" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(Buffer.compare(pixels.data as Uint8Array, data)).toBe(0);
});

test("grey, and every orientation", async () => {
  await expectSame(await pictureOf(20, 30).greyscale().jpeg().toBuffer(), "grey");
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await pictureOf(21, 13).withMetadata({ orientation }).jpeg().toBuffer();
    await expectSame(file, `orientation ${orientation}`);
  }
});

test("a component keeps the table of quantisation that its first scan began with", async () => {
  const file = await pictureOf(40, 24).greyscale().jpeg({ progressive: true }).toBuffer();
  const last = file.lastIndexOf(Buffer.from([0xff, 0xda]));
  const table = Buffer.concat([Buffer.from([0xff, 0xdb, 0, 67, 0]), Buffer.alloc(64, 99)]);
  const changed = Buffer.concat([file.subarray(0, last), table, file.subarray(last)]);
  await expectSame(changed, "another table before the last scan");
  expect(decoded(changed)).toEqual(decoded(file));
});

test("a file of many scans or tables is refused before they take long", () => {
  for (const file of [jpegOfScans(3100, 3100, 880), ofTables(10_000)]) {
    expect(() => readJpeg(file, "x.jpg")).toThrow(
      "x.jpg has more scans and tables than its size explains.",
    );
  }
  expect(readJpeg(jpegOfScans(64, 64, 880), "x.jpg").pixels.shape).toEqual([64, 64, 1]);
});

/** A JPEG that begins with a table of codes again and again. */
function ofTables(count: number): Uint8Array {
  const table = Buffer.from([0xff, 0xc4, 0, 20, 0, 1, ...Array<number>(15).fill(0), 0]);
  const [start, ...tables] = [Buffer.from([0xff, 0xd8]), ...Array<Buffer>(count).fill(table)];
  return Buffer.concat([start, ...tables]);
}

test("a file that is cut off anywhere is refused", async () => {
  for (const progressive of [false, true]) {
    const file = await pictureOf(40, 24).jpeg({ progressive }).toBuffer();
    for (let length = 0; length < file.length - 2; length += 7) {
      expect(() => readJpeg(file.subarray(0, length), "x.jpg"), String(length)).toThrow(
        /x\.jpg is (truncated|damaged|no JPEG)/,
      );
    }
  }
});

test("changed bytes give pixels or an error that names the file", async () => {
  const file = await pictureOf(40, 24).jpeg({ progressive: true }).toBuffer();
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), (at, byte) => {
      const changed = Uint8Array.from(file);
      changed[at] = byte;
      try {
        const { pixels } = readJpeg(changed, "x.jpg");
        expect(pixels.data.length).toBe(pixels.shape.reduce((a, b) => a * b));
      } catch (error) {
        expect(String(error)).toMatch(/OcelliError: x\.jpg /);
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});
