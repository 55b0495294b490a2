import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { expect, test } from "vitest";
import { crc32 } from "../../formats/crc32.ts";
import { decodeImage } from "../decode/decode.ts";

const picture = (width: number, height: number, background: string | object = "#c86432") =>
  sharp({ create: { width, height, channels: 3, background: background as string } });

const pixel = async (file: Uint8Array): Promise<number[]> => {
  const { shape, data } = await decodeImage(file);
  expect(shape[2]).toBe(3);
  return [...data.slice(0, 3)];
};

const near = (given: number[], expected: number[], most: number): void =>
  given.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(most));

/** A PNG of a size whose pixels are missing. */
function pngHeader(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body) >>> 0);
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(100))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("600 megapixels are refused by the header, without their memory", async () => {
  const file = pngHeader(30_000, 20_000);
  const before = process.memoryUsage.rss();
  await expect(decodeImage(file, { name: "huge.png" })).rejects.toThrow(
    "huge.png cannot be decoded: it has 30000 × 20000 pixels; the limit for a file of its size is 20 million pixels.",
  );
  expect(process.memoryUsage.rss() - before).toBeLessThan(50e6);
});

test.each([
  ["a JPEG cut off", async () => (await picture(90, 80).jpeg().toBuffer()).subarray(0, 250)],
  ["a PNG cut off", async () => (await picture(90, 80).png().toBuffer()).subarray(0, 60)],
  ["no image", () => Promise.resolve(Buffer.from("hello"))],
  ["nothing", () => Promise.resolve(Buffer.alloc(0))],
  ["a JPEG's first bytes", () => Promise.resolve(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))],
])("%s is refused in one line", async (_, make) => {
  const given = decodeImage(await make(), { name: "bad.jpg" });
  await expect(given).rejects.toMatchObject({
    code: "data",
    message: expect.stringMatching(/^bad\.jpg cannot be decoded: [^\n]+\.$/) as string,
  });
});

test("kinds of pixels become red, green and blue", async () => {
  const base = [200, 100, 50];
  expect(await pixel(await picture(8, 8).png({ palette: true }).toBuffer())).toEqual(base);
  expect(await pixel(await picture(1, 1).png().toBuffer())).toEqual(base);
  expect(await pixel(await picture(8, 8).toColourspace("rgb16").png().toBuffer())).toEqual(base);
  near(await pixel(await picture(1, 1).jpeg({ quality: 100 }).toBuffer()), base, 3);
  const grey = await picture(8, 8).greyscale().jpeg().toBuffer();
  const [red, green, blue] = await pixel(grey);
  expect([green, blue]).toEqual([red, red]);
});

test("of an animation the first frame is taken", async () => {
  const frames = Buffer.from([
    ...new Array<number>(12).fill(255),
    ...new Array<number>(12).fill(0),
  ]);
  const raw = { width: 2, height: 4, channels: 3, pageHeight: 2 } as const;
  const file = await sharp(frames, { raw }).gif().toBuffer();
  const { shape, data } = await decodeImage(file);
  expect(shape).toEqual([2, 2, 3]);
  expect(data[0]).toBe(255);
});

test("the part that is wanted equals the same part of the whole", async () => {
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  const create = { width: 97, height: 71, channels: 3, background: "grey", noise } as const;
  for (const orientation of [1, 6]) {
    const file = await sharp({ create }).withMetadata({ orientation }).jpeg().toBuffer();
    const whole = await decodeImage(file);
    const box = { y: 13, x: 9, height: 31, width: 22 };
    const part = await decodeImage(file, { want: () => ({ box, shrink: 1 }) });
    const at = (y: number, x: number): number => (y * whole.shape[1] + x) * 3;
    const rows = Array.from({ length: box.height }, (_, i) => [
      ...whole.data.subarray(at(box.y + i, box.x), at(box.y + i, box.x + box.width)),
    ]);
    expect(part.shape).toEqual([31, 22, 3]);
    expect([...part.data]).toEqual(rows.flat());
  }
});

test("a JPEG is decoded smaller by whole factors", async () => {
  const file = await picture(97, 71).jpeg().toBuffer();
  for (const shrink of [2, 4, 8]) {
    const box = { y: 0, x: 0, height: 71, width: 97 };
    const { shape, data } = await decodeImage(file, { want: () => ({ box, shrink }) });
    expect(shape).toEqual([Math.floor(71 / shrink), Math.floor(97 / shrink), 3]);
    near([...data.slice(0, 3)], [200, 100, 50], 3);
  }
});

test.each(["png", "jpeg", "webp"] as const)(
  "a %s that is cut off is said to be so",
  async (format) => {
    const pixels = Uint8Array.from({ length: 90 * 80 * 3 }, (_, i) => (i * i) % 251);
    const whole = sharp(pixels, { raw: { width: 90, height: 80, channels: 3 } }).toFormat(format);
    const file = await whole.toBuffer();
    await expect(decodeImage(file.subarray(0, file.length / 2), { name: "half" })).rejects.toThrow(
      /^half cannot be decoded: it is cut off or damaged \([^\n]+\)\.$/,
    );
  },
);
