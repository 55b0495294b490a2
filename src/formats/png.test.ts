import sharp from "sharp";
import { expect, test } from "vitest";
import { fromNumbers } from "../graph/index.ts";
import { readPngMap, writePngMap } from "./png.ts";

const [HEIGHT, WIDTH] = [13, 11];
const count = HEIGHT * WIDTH;
const values = (most: number) => Array.from({ length: count }, (_, i) => (i * 7 + (i >> 3)) % most);
const plain = (most: number) =>
  sharp(Uint8Array.from(values(most)), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } });
/** The same in a file of one channel. */
const grey = (most: number) => plain(most).toColourspace("b-w");

test.each([false, true])(
  "grey values are as they are stored, interlaced: %s",
  async (progressive) => {
    const file = await grey(251).png({ progressive, adaptiveFiltering: true }).toBuffer();
    const map = readPngMap(file, "map.png");
    expect(map).toMatchObject({ shape: [HEIGHT, WIDTH], dtype: "uint8" });
    expect([...map.data]).toEqual(values(251));
  },
);

test("16 bits are read whole", async () => {
  const data = Uint16Array.from(values(97), (value) => value * 600);
  const raw = sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } });
  const map = readPngMap(await raw.toColourspace("grey16").png().toBuffer(), "map.png");
  expect(map.dtype).toBe("int32");
  expect([...map.data]).toEqual([...data]);
});

// Files with a palette that another encoder made: their indices, looked up, are the colours that another decoder reads.
test.each([2, 4, 16, 200])("a palette of %i colours gives its indices", async (colours) => {
  const pixels = values(colours).flatMap((k) => [k * 1.2, 255 - k, (k * 37) % 256].map(Math.trunc));
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  const file = await sharp(Uint8Array.from(pixels), { raw })
    .png({ palette: true, colours, dither: 0, effort: 10, progressive: colours === 16 })
    .toBuffer();
  const at = file.indexOf("PLTE");
  const palette = file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4));
  const found = [...readPngMap(file, "map.png").data].flatMap((index) => [
    ...palette.subarray(3 * Number(index), 3 * Number(index) + 3),
  ]);
  expect(found).toEqual([...(await sharp(file).removeAlpha().raw().toBuffer())]);
});

test("a written map has its numbers and, for viewers, its colours", async () => {
  const map = fromNumbers(values(3), [HEIGHT, WIDTH], "uint8");
  const colours = [[0, 0, 0], [200, 10, 30], [5, 250, 90]]; // prettier-ignore
  const file = writePngMap(map, colours);
  expect(readPngMap(file, "map.png")).toEqual(map);
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: WIDTH, height: HEIGHT, channels: 3 });
  expect([...data]).toEqual(values(3).flatMap((k) => colours[k]));
});

test("colours, other files and damage are refused", async () => {
  const colour = await plain(3).png().toBuffer();
  expect(() => readPngMap(colour, "photo.png")).toThrow("photo.png is of red, green and blue");
  expect(() => readPngMap(Uint8Array.of(255, 216), "map.jpg")).toThrow("map.jpg is no PNG file");
  const file = await grey(9).png().toBuffer();
  for (let length = 0; length < file.length; length++) {
    expect(() => readPngMap(file.subarray(0, length), "map.png")).toThrow("map.png");
  }
  const harmed = Buffer.from(file);
  harmed[file.indexOf("IDAT") + 6] ^= 4;
  expect(() => readPngMap(harmed, "map.png")).toThrow("a checksum does not match");
});
