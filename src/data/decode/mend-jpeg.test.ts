import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { decodeImage } from "./decode.ts";
import { mendJpeg } from "./mend-jpeg.ts";

let good: Buffer;
let progressive: Buffer;
let pixels: Uint8Array;

beforeAll(async () => {
  const [width, height] = [64, 48];
  const slope = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + (i >> 6)) % 256);
  const picture = sharp(slope, { raw: { width, height, channels: 3 } });
  good = await picture.clone().jpeg({ quality: 90 }).toBuffer();
  progressive = await picture.clone().jpeg({ quality: 90, progressive: true }).toBuffer();
  pixels = (await decodeImage(good)).data;
});

const marker = (file: Buffer, code: number): number => file.indexOf(Buffer.from([0xff, code]));
const insert = (file: Buffer, at: number, ...bytes: number[]): Buffer =>
  Buffer.concat([file.subarray(0, at), Buffer.from(bytes), file.subarray(at)]);
function changed(file: Buffer, at: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(file);
  copy.set(bytes, at);
  return copy;
}
/** A JPEG with an Adobe segment that names an unknown transform. */
const unknownTransform = (file: Buffer): Buffer =>
  insert(file, 2, 0xff, 0xee, 0, 14, ...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, 9);
/** A JPEG with a JFIF segment of revision 0.00. */
const jfif = (file: Buffer): Buffer =>
  insert(file, 2, 0xff, 0xe0, 0, 16, ...Buffer.from("JFIF\0"), 0, 0, 0, 0, 1, 0, 1, 0, 0);

/** Files that libjpeg warns of, made from one that it does not. */
const WHOLE: readonly [string, (file: Buffer) => Buffer][] = [
  ["an unknown JFIF revision", jfif],
  ["bytes before the scan", (file) => insert(file, marker(file, 0xda), 1, 2)],
  ["bytes before a table", (file) => insert(file, marker(file, 0xdb), 0, 0, 7)],
  [
    "bytes before the end",
    (file) => insert(file, file.length - 2, ...new Array<number>(200).fill(5)),
  ],
  ["an unknown transform", unknownTransform],
  ["all of these", (file) => jfif(insert(unknownTransform(file), marker(file, 0xda) + 16, 3))],
];

test.each(WHOLE)("%s: every pixel is there, and is decoded", async (name, harm) => {
  for (const file of [good, progressive]) {
    const same = await decodeImage(file);
    const harmed = harm(file);
    const strict = sharp(harmed, { failOn: "warning" }).raw().toBuffer();
    // the end of a baseline file is not looked at once its pixels are there
    const warned = name !== "bytes before the end" || file === progressive;
    expect(
      await strict.then(
        () => false,
        () => true,
      ),
    ).toBe(warned);
    const { shape, data } = await decodeImage(harmed);
    expect(shape).toEqual(same.shape);
    expect(Buffer.compare(data, same.data)).toBe(0);
    const box = { y: 8, x: 16, height: 24, width: 32 };
    const part = await decodeImage(harmed, { want: () => ({ box, shrink: 1 }) });
    const samePart = await decodeImage(file, { want: () => ({ box, shrink: 1 }) });
    expect(Buffer.compare(part.data, samePart.data)).toBe(0);
  }
});

test("what is wanted is asked for once, also of a file that needs mending", async () => {
  let asked = 0;
  const want = () => {
    asked++;
    return { box: { y: 0, x: 0, height: 8, width: 8 }, shrink: 1 } as const;
  };
  await decodeImage(insert(good, good.length - 2, 9, 9), { want });
  await decodeImage(jfif(good), { want });
  expect(asked).toBe(2);
});

test("files that are cut off or damaged stay refused, their headers mended or not", async () => {
  const scan = marker(good, 0xda) + 14;
  const middle = scan + ((good.length - scan) >> 1);
  const broken: [string, Buffer][] = [
    ["cut off", good.subarray(0, middle)],
    ["cut off, revision", jfif(good.subarray(0, middle) as Buffer)],
    ["cut off, with an end", insert(good.subarray(0, middle) as Buffer, middle, 0xff, 0xd9)],
    ["zeros", changed(good, middle, ...new Array<number>(40).fill(0xfe))],
    ["zeros, revision", jfif(changed(good, middle, ...new Array<number>(40).fill(0xfe)))],
    ["header alone", good.subarray(0, scan)],
  ];
  for (const [name, file] of broken) {
    await expect(decodeImage(file, { name }), name).rejects.toThrow(`${name} cannot be decoded: `);
  }
});

test("a file with nothing to mend stays as it is, and so does one that makes no sense", () => {
  expect(mendJpeg(good)).toBeUndefined();
  expect(mendJpeg(progressive)).toBeUndefined();
  for (let length = 0; length < good.length; length++) {
    expect(mendJpeg(good.subarray(0, length))).toBeUndefined();
  }
});

const CASES = join(import.meta.dirname, "../../../shared/cases/data/jpeg-warnings");

test.skipIf(!existsSync(CASES))("the cases with warnings (skipped: not here)", async () => {
  const read = async (name: string) => (await decodeImage(readFileSync(join(CASES, name)))).data;
  const expected = await read("good.jpg");
  for (const name of ["jfif-0.00.jpg", "2-bytes-before-sos.jpg"]) {
    expect(Buffer.compare(await read(name), expected)).toBe(0);
  }
  expect(pixels.length).toBe(64 * 48 * 3);
});
