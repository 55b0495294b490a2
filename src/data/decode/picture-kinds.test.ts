/** @file What becomes of every kind of pixel: alpha, 16 bits, fractions, CMYK; exact values. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { crc32 } from "../../formats/crc32.ts";
import { COLOURS, type AlphaRule } from "../../preprocess/alpha.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { type PictureKind, decodeImage } from "./decode.ts";
import { prepareExample } from "../stream/examples.ts";
import { tiffRow } from "./tiff-fixtures.ts";

const { white, black } = COLOURS;

async function decode(file: Uint8Array, alpha?: AlphaRule): Promise<number[]> {
  const { shape, data } = await decodeImage(file, { alpha });
  expect(shape[2]).toBe(3);
  return [...data];
}

const kindOf = async (file: Uint8Array): Promise<PictureKind> => {
  const kinds: PictureKind[] = [];
  await decodeImage(file, { notice: (kind) => kinds.push(kind) });
  expect(kinds).toHaveLength(1);
  return kinds[0];
};

/** Pixels in a row as sharp takes them. */
const row = (values: number[], channels: 1 | 2 | 3 | 4) =>
  sharp(Uint8Array.from(values), { raw: { width: values.length / channels, height: 1, channels } });

/** Colours with alpha, and what Pillow's `paste(image, mask=alpha)` makes of them on a background. */
const COLOURED = [100, 200, 30, 128, 100, 200, 30, 1, 0, 255, 7, 254, 9, 8, 7, 0];
const PASTED: readonly [AlphaRule, number[]][] = [
  [white, [177, 227, 142, 254, 255, 254, 1, 255, 8, 255, 255, 255]],
  [black, [50, 100, 15, 0, 1, 0, 0, 254, 7, 0, 0, 0]],
  [
    [10, 20, 30],
    [55, 110, 30, 10, 21, 30, 0, 254, 7, 10, 20, 30],
  ],
  ["drop", [100, 200, 30, 100, 200, 30, 0, 255, 7, 9, 8, 7]],
];

test.each(PASTED)("alpha on %s, as Pillow has it, from PNG and WebP", async (rule, expected) => {
  const picture = row(COLOURED, 4);
  expect(await decode(await picture.clone().png().toBuffer(), rule)).toEqual(expected);
  const webp = await picture.clone().webp({ lossless: true, exact: true }).toBuffer();
  expect(await decode(webp, rule)).toEqual(expected);
});

test("without a rule the background is white", async () => {
  const [[, expected]] = PASTED;
  expect(await decode(await row(COLOURED, 4).png().toBuffer())).toEqual(expected);
});

test("grey with alpha, and a palette with transparent entries", async () => {
  const tiff = { photometric: 1, alpha: true } as const;
  const grey = tiffRow(Uint8Array.of(10, 128, 200, 0, 7, 255), 2, tiff);
  expect(await decode(grey)).toEqual([132, 132, 132, 255, 255, 255, 7, 7, 7]);
  expect(await decode(grey, "drop")).toEqual([10, 10, 10, 200, 200, 200, 7, 7, 7]);
  const colours = [200, 0, 0, 255, 0, 200, 0, 255, 0, 0, 0, 0];
  const palette = await row(colours, 4).png({ palette: true }).toBuffer();
  expect(palette.includes("tRNS")).toBe(true);
  expect(await decode(palette)).toEqual([200, 0, 0, 0, 200, 0, 255, 255, 255]);
  expect(await decode(palette, black)).toEqual([200, 0, 0, 0, 200, 0, 0, 0, 0]);
});

/** A PNG with a chunk that says which colour is transparent. */
function withTransparent(png: Uint8Array, ...colour: readonly number[]): Uint8Array {
  const content = Buffer.concat([
    Buffer.from("tRNS"),
    Uint8Array.from(colour.flatMap((c) => [0, c])),
  ]);
  const chunk = Buffer.alloc(content.length + 8);
  chunk.writeUInt32BE(content.length - 4);
  chunk.set(content, 4);
  chunk.writeUInt32BE(crc32(content), content.length + 4);
  const at = Buffer.from(png).indexOf("IDAT") - 4;
  return Buffer.concat([png.subarray(0, at), chunk, png.subarray(at)]);
}

test("one colour of a picture without alpha may be transparent", async () => {
  const colours = await row([255, 0, 0, 0, 0, 255], 3).png().toBuffer();
  expect(await decode(withTransparent(colours, 255, 0, 0))).toEqual([255, 255, 255, 0, 0, 255]);
  expect(await decode(withTransparent(colours, 255, 0, 0), black)).toEqual([0, 0, 0, 0, 0, 255]);
  const greys = await row([7, 200], 1).toColourspace("b-w").png().toBuffer();
  expect(await decode(withTransparent(greys, 7))).toEqual([255, 255, 255, 200, 200, 200]);
});

test("of several JPEGs in one file, as phones and drones write them, the first is taken", async () => {
  const [first, second] = await Promise.all(
    ["#ff0000", "#0000ff"].map((background) =>
      sharp({ create: { width: 16, height: 8, channels: 3, background } })
        .jpeg()
        .toBuffer(),
    ),
  );
  expect(await decode(Buffer.concat([first, second]))).toEqual(await decode(first));
});

test("16-bit channels give their upper byte, alpha too", async () => {
  const rgb = Uint16Array.of(0x1234, 0x80ff, 0xffff, 0x00ff, 0x0100, 0xfeff);
  const upper = [0x12, 0x80, 0xff, 0x00, 0x01, 0xfe];
  expect(await decode(tiffRow(rgb, 3, { photometric: 2 }))).toEqual(upper);
  const raw = { width: 2, height: 1, channels: 3 } as const;
  const png = await sharp(rgb, { raw }).toColourspace("rgb16").png().toBuffer();
  expect((await sharp(png).metadata()).depth).toBe("ushort");
  expect(await decode(png)).toEqual(upper);
  const clear = Uint16Array.of(0x6400, 0xc800, 0x1e00, 0x80ff);
  const alpha = { photometric: 2, alpha: true } as const;
  expect(await decode(tiffRow(clear, 4, alpha))).toEqual([177, 227, 142]);
  const grey = tiffRow(Uint16Array.of(0x1234, 0xffff), 1, { photometric: 1 });
  expect(await decode(grey)).toEqual([0x12, 0x12, 0x12, 0xff, 0xff, 0xff]);
});

test("fractions from 0 to 1 are scaled by 255, without a change of brightness", async () => {
  const grey = tiffRow(Float32Array.of(0, 0.5, 1), 1, { photometric: 1, format: 3 });
  expect(await decode(grey)).toEqual([0, 0, 0, 128, 128, 128, 255, 255, 255]);
  const colours = Float32Array.of(0.25, 0.5, 0.75, 1, 0, 0.1);
  const rgb = tiffRow(colours, 3, { photometric: 2, format: 3 });
  expect(await decode(rgb)).toEqual([64, 128, 191, 255, 0, 26]);
  const clear = tiffRow(Float32Array.of(0.25, 0.5, 0.75, 0), 4, {
    ...{ photometric: 2, format: 3, alpha: true },
  });
  expect(await decode(clear)).toEqual([255, 255, 255]);
  expect(await decode(clear, "drop")).toEqual([64, 128, 191]);
});

test.each([
  [
    "fractions up to 255",
    tiffRow(Float32Array.of(0, 200), 1, { photometric: 1, format: 3 }),
    "it has the fraction 200; fractions are read from 0 to 1.",
  ],
  [
    "a fraction that is no number",
    tiffRow(Float32Array.of(0, NaN), 1, { photometric: 1, format: 3 }),
    "it has the fraction NaN; fractions are read from 0 to 1.",
  ],
  [
    "32 bits",
    tiffRow(Uint32Array.of(0, 4e9), 1, { photometric: 1 }),
    "its channels are of the kind uint; whole numbers of 8 and 16 bits and fractions are read.",
  ],
  [
    "signed numbers",
    tiffRow(Int16Array.of(0, -5), 1, { photometric: 1, format: 2 }),
    "its channels are of the kind short; whole numbers of 8 and 16 bits and fractions are read.",
  ],
])("%s are refused by what they are", async (_, file, reason) => {
  await expect(decodeImage(file, { name: "x.tif" })).rejects.toThrow(
    `x.tif cannot be decoded: ${reason}`,
  );
});

// Pillow 13: Image.open(…).convert("RGB")
test("CMYK without a profile is what Pillow makes of it", async () => {
  const inks = Uint8Array.of(10, 20, 30, 40, 255, 0, 128, 0, 0, 0, 0, 200, 77, 133, 201, 99);
  const colours = [207, 198, 190, 0, 255, 127, 55, 55, 55, 109, 75, 33];
  expect(await decode(tiffRow(inks, 4, { photometric: 5 }))).toEqual(colours);
});

test("a transparent picture that lies on its side is turned with its alpha", async () => {
  const picture = sharp(Uint8Array.from(COLOURED), { raw: { width: 4, height: 1, channels: 4 } });
  const file = await picture.withMetadata({ orientation: 6 }).png().toBuffer();
  const { shape, data } = await decodeImage(file);
  expect(shape).toEqual([4, 1, 3]);
  expect([...data]).toEqual(PASTED[0][1]);
});

test.each(["gif", "webp"] as const)(
  "of a moving %s the first frame, with its alpha",
  async (to) => {
    const frames = [200, 0, 0, 255, 0, 0, 0, 0, 0, 0, 200, 255, 0, 0, 200, 255];
    const raw = { width: 2, height: 2, channels: 4, pageHeight: 1 } as const;
    const picture = sharp(Uint8Array.from(frames), { raw });
    const file = await (to === "gif" ? picture.gif() : picture.webp({ lossless: true })).toBuffer();
    expect((await sharp(file).metadata()).pages).toBe(2);
    expect(await decode(file)).toEqual([200, 0, 0, 255, 255, 255]);
    expect(await decode(file, black)).toEqual([200, 0, 0, 0, 0, 0]);
  },
);

test("transparent pictures, and those of one colour once they are laid down, are noticed", async () => {
  const of = async (values: number[], channels: 1 | 3 | 4) =>
    kindOf(await row(values, channels).png().toBuffer());
  const [colours, clear] = [3, 4].map((channels) => ({ height: 1, width: 2, channels }));
  expect(await of([1, 2, 3, 4, 5, 6], 3)).toEqual({ ...colours, transparent: false, plain: false });
  expect(await of([1, 2, 3, 1, 2, 3], 3)).toEqual({ ...colours, transparent: false, plain: true });
  expect(await of([1, 2, 3, 255, 4, 5, 6, 255], 4)).toEqual({
    ...clear,
    transparent: false,
    plain: false,
  });
  expect(await of([1, 2, 3, 0, 4, 5, 6, 255], 4)).toEqual({
    ...clear,
    transparent: true,
    plain: false,
  });
  expect(await of([1, 2, 3, 0, 4, 5, 6, 0], 4)).toEqual({
    ...clear,
    transparent: true,
    plain: true,
  });
  const create = { width: 90, height: 70, channels: 3 } as const;
  const flat = sharp({ create: { ...create, background: "#405060" } });
  const expected = { ...{ height: 70, width: 90 }, transparent: false, plain: true };
  expect(await kindOf(await flat.jpeg().toBuffer())).toEqual({ ...expected, channels: 3 });
  const grey = flat.clone().toColourspace("b-w");
  expect(await kindOf(await grey.clone().jpeg().toBuffer())).toEqual({ ...expected, channels: 1 });
  expect(await kindOf(await grey.png().toBuffer())).toEqual({ ...expected, channels: 1 });
});

test("a JPEG is of one colour only as a whole, whichever part is wanted", async () => {
  const create = { width: 64, height: 64, channels: 3, background: "white" } as const;
  const dot = { create: { ...create, width: 16, height: 16, background: "black" } };
  const corner = [{ input: dot, left: 48, top: 48 }];
  const image = new Uint8Array(await sharp({ create }).composite(corner).jpeg().toBuffer());
  const raw = { image: { shape: [image.length], dtype: "uint8", data: image } } as const;
  for (const [file, plain] of [
    [raw, false],
    [await blank(), true],
  ] as const) {
    const prepared = await prepareExample(
      { features: file, key: [0], id: "corner" },
      parsePreprocessing("decode|random_crop(2)"),
    );
    expect(prepared).toMatchObject({ kind: { transparent: false, plain } });
  }
  async function blank() {
    const data = new Uint8Array(await sharp({ create }).jpeg().toBuffer());
    return { image: { shape: [data.length], dtype: "uint8", data } } as const;
  }
});

test("a preprocessing says what becomes of alpha", async () => {
  const data = new Uint8Array(await row(COLOURED, 4).png().toBuffer());
  const features = { image: { shape: [data.length], dtype: "uint8" as const, data } };
  const pixels = async (text: string): Promise<number[]> => {
    const raw = { features, key: [0], id: "picture" };
    const prepared = await prepareExample(raw, parsePreprocessing(text));
    if ("problem" in prepared) throw prepared.problem;
    return [...(prepared.features.image.data as Uint8Array)];
  };
  const [[, onWhite], [, onBlack], [, onColour], [, dropped]] = PASTED;
  expect(await pixels("decode")).toEqual(onWhite);
  expect(await pixels("decode|central_crop((1,4))")).toEqual(onWhite);
  expect(await pixels("fast_decode(background=black)")).toEqual(onBlack);
  expect(await pixels("decode(background=(10,20,30))")).toEqual(onColour);
  expect(await pixels("decode(alpha=drop)")).toEqual(dropped);
  expect(await pixels("flip_lr(key=image)|central_crop((1,4))")).toHaveLength(12);
  expect(await pixels("central_crop((1,4))")).toEqual(onBlack); // nothing says otherwise
});

const CASES = join(import.meta.dirname, "../../../../shared/cases/data/transparency");

test.skipIf(!existsSync(CASES))("the cases on transparency (skipped: not here)", async () => {
  const read = (name: string) => readFileSync(join(CASES, name));
  expect(await decode(read("grey-white-transparent.png"))).toEqual([
    ...[255, 255, 255, 0, 0, 0, 128, 128, 128, 255, 255, 255],
  ]);
  expect((await decode(read("palette-white-transparent.png"))).slice(0, 9)).toEqual([
    ...[255, 255, 255, 0, 0, 0, 200, 100, 50],
  ]);
  const { data, shape } = await decodeImage(read("cmyk-no-profile.jpg"));
  expect(
    [0, 9, 18, 27, 36, 45].map((i) => [...data.subarray((i * shape[1] + i) * 3).slice(0, 3)]),
  ).toEqual([
    [0, 0, 0],
    [36, 45, 0],
    [72, 90, 0],
    [108, 135, 0],
    [144, 180, 0],
    [180, 225, 0],
  ]); // Pillow 13
});
