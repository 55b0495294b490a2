/** @file Hostile files, small on the disk: each claims or unpacks to far more than a file of its kind should. */

import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { tarFile, tarMember } from "../../src/data/source-fixtures.ts";
import { jpegOfScans, pngOfTexts, tiffOfDirectories } from "../../src/data/decode/slow-fixtures.ts";
import { concatBytes } from "../../src/formats/bytes.ts";
import { writeNpy } from "../../src/formats/npy.ts";
import { writeNpz } from "../../src/formats/npz.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import { writeExample } from "../../src/formats/tf-example.ts";
import { encodeRecord } from "../../src/formats/tfrecord.ts";
import { torchFixture } from "../../src/formats/torch-fixtures.ts";
import { fromNumbers } from "../../src/graph/dtype.ts";
import type { Kind } from "./open-one.ts";

/** Files by name; the first is what is opened, or the folder where that is "". */
export interface Case {
  readonly name: string;
  readonly kind: Kind;
  readonly open: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What the error says; a hostile file without one opens within the limits. */
  readonly says?: RegExp;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const repeat = (text: string, count: number): Uint8Array =>
  new Uint8Array(Buffer.alloc(text.length * count, text));

const blank = (width: number, height: number, channels: 3 | 4) =>
  sharp({ create: { width, height, channels, background: "white" } });
const [png, webp, gif, tiff, avif] = await Promise.all(
  (["png", "webp", "gif", "tiff", "avif"] as const).map(async (format) => {
    const bytes = await blank(64, 64, 3).toFormat(format, { lossless: true }).toBuffer();
    return new Uint8Array(bytes);
  }),
);

/** A copy with bytes written over those at a place. */
function patched(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

/** A PNG whose header claims 30,000 × 20,000 pixels, its checksum right. */
function hugePng(): Uint8Array {
  const copy = png.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(16, 30_000);
  view.setUint32(20, 20_000);
  let crc = ~0;
  for (const byte of copy.subarray(12, 29)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  view.setUint32(29, ~crc >>> 0);
  return copy;
}

/** A TIFF whose width and height are entries of its directory. */
function hugeTiff(): Uint8Array {
  const copy = tiff.slice();
  const view = new DataView(copy.buffer);
  const little = copy[0] === 0x49;
  const directory = view.getUint32(4, little);
  for (let i = 0; i < view.getUint16(directory, little); i++) {
    const entry = directory + 2 + 12 * i;
    if (![256, 257].includes(view.getUint16(entry, little))) continue;
    view.setUint16(entry + 2, 4, little); // a long
    view.setUint32(entry + 8, 60_000, little);
  }
  return copy;
}

/** An AVIF whose canvas is 60,000 pixels wide and high. */
function hugeAvif(): Uint8Array {
  const at = Buffer.from(avif).indexOf("ispe") + 8;
  return patched(avif, at, 0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60);
}

const image = (name: string, bytes: Uint8Array, says?: RegExp): Case => ({
  name,
  kind: "image",
  open: "a.png",
  files: { "a.png": bytes },
  says,
});
const table = (name: string, file: string, bytes: Uint8Array, says?: RegExp): Case => ({
  name,
  kind: "data",
  open: file,
  files: { [file]: bytes, "a.png": png, "b.png": png },
  says,
});
const folder = (name: string, files: Case["files"], says?: RegExp): Case => ({
  name,
  kind: "data",
  open: "",
  files,
  says,
});
const weights = (name: string, file: string, bytes: Uint8Array, says?: RegExp): Case => ({
  name,
  kind: "weights",
  open: file,
  files: { [file]: bytes },
  says,
});

const labels = fromNumbers([0, 1], [2], "int32");
const zeros = (count: number): Uint8Array => {
  const head = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0);
  const side = count / 2;
  new DataView(head.buffer).setUint32(8, 1);
  new DataView(head.buffer).setUint32(12, side);
  return concatBytes([head, new Uint8Array(count)]);
};
const npyOf = (count: number): Uint8Array =>
  writeNpy({ shape: [2, 1, count / 2], dtype: "uint8", data: new Uint8Array(count) });
const record = (features: Parameters<typeof writeExample>[0]): Uint8Array =>
  encodeRecord(writeExample(features));
const parquet = (label: readonly string[], rowGroupSize?: number): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "image", data: label.map(() => png), type: "BYTE_ARRAY" },
        { name: "label", data: [...label], type: "STRING" },
      ],
      rowGroupSize,
    }),
  );
const ten = (label: (i: number) => string): string[] =>
  Array.from({ length: 10 }, (_, i) => label(i));

const manyArrays = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, labels]));

/** Bytes as a pickle of protocol 2, in the zip form of torch.save. */
const pth = (pickle: Uint8Array): Uint8Array => zipSync({ "a/data.pkl": [pickle, { level: 9 }] });
const pickled = (...parts: readonly (Uint8Array | number)[]): Uint8Array =>
  concatBytes([
    Uint8Array.of(0x80, 2),
    ...parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : part)),
    Uint8Array.of(0x2e),
  ]);

/** A safetensors file of a header's text. */
function safetensors(header: Uint8Array): Uint8Array {
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(header.length), true);
  return concatBytes([size, header]);
}

const model = (name: string, changes: Readonly<Record<string, string>>, says?: RegExp): Case => ({
  name,
  kind: "model",
  open: "a.safetensors",
  files: {
    "a.safetensors": writeSafetensors(
      { "params/x": fromNumbers([0], [1], "float32") },
      {
        format: "ocelli-checkpoint-1",
        model: '{"name":"vit","depth":1,"width":8,"numHeads":1,"patchSize":[8,8]}',
        classes: '["a","b"]',
        preprocessing: "decode|resize(16)",
        loss: "softmax",
        imageShape: "[16,16,3]",
        step: "1",
        ...changes,
      },
    ),
  },
  says,
});

/** Length-delimited protobuf fields around bytes, the innermost last. */
function wrapped(fields: readonly number[], times: number): Uint8Array {
  let length = 0;
  const prefixes: number[][] = [];
  for (let i = 0; i < times; i++) {
    for (const field of [...fields].reverse()) {
      const prefix = [field * 8 + 2];
      let rest = length;
      for (; rest > 127; rest = Math.floor(rest / 128)) prefix.push((rest % 128) + 128);
      prefix.push(rest);
      prefixes.push(prefix);
      length += prefix.length;
    }
  }
  return Uint8Array.from(prefixes.reverse().flat());
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const field = (number: number, bytes: Uint8Array): Uint8Array =>
  concatBytes([Uint8Array.from([number * 8 + 2, ...varint(bytes.length)]), bytes]);

const onnx = (name: string, graph: Uint8Array, says: RegExp): Case => ({
  name,
  kind: "model",
  open: "a.onnx",
  files: { "a.onnx": field(7, graph) },
  says,
});

const csv = "image,label\na.png,x\nb.png,y\n";
const jsonl = '{"image":"a.png","label":"x"}\n{"image":"b.png","label":"y"}\n';

/** One that is decoded in another process. */
const apart = (...given: Parameters<typeof image>): Case => ({ ...image(...given), kind: "apart" });

/** Harmless files, one of each kind that the hostile ones are compared with. */
export const HARMLESS: readonly Case[] = [
  image("image", png),
  apart("apart", tiff),
  { ...image("thin", png), kind: "thin" },
  table("data", "t.csv", utf8(csv)),
  weights("weights", "a.pth", torchFixture("nested")),
  model("model", { preprocessing: "resize(60" }, /preprocessing/),
];

const svg = (inside: string): Uint8Array =>
  utf8(`<svg xmlns="http://www.w3.org/2000/svg" width="14000" height="14000">${inside}</svg>`);
const noise = '<feTurbulence baseFrequency="0.9" numOctaves="100000000"/>';

export const HOSTILE: readonly Case[] = [
  image(
    "SVG with a filter",
    svg(`<filter id="f">${noise}</filter><rect width="9" height="9" filter="url(#f)"/>`),
    /it is SVG/,
  ),
  image("SVG after a comment", concatBytes([utf8("\n<!-- x -->"), svg("")]), /it is SVG/),
  image("PNG of 600 megapixels", hugePng(), /30000 × 20000 pixels/),
  image("PNG as large as allowed", await blank(4450, 4450, 4).png().toBuffer()),
  image(
    "progressive JPEG as large as allowed",
    await blank(3200, 3150, 3).jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer(),
  ),
  image("JPEG as large as allowed", await blank(3200, 3150, 3).jpeg().toBuffer()),
  image(
    "JPEG as large as allowed, on its side",
    await blank(3200, 3150, 3).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  ),
  image(
    "interlaced PNG as large as allowed",
    await blank(4450, 4450, 4).png({ progressive: true }).toBuffer(),
  ),
  image("WebP as large as allowed", await blank(4450, 4450, 4).webp().toBuffer()),
  apart(
    "TIFF as large as allowed",
    await blank(3200, 3120, 4).tiff({ compression: "deflate" }).toBuffer(),
  ),
  image(
    "progressive JPEG larger than its bytes allow",
    await blank(4450, 4450, 3).jpeg({ progressive: true }).toBuffer(),
    /limit/,
  ),
  image("PNG larger than its bytes allow", await blank(7000, 7000, 3).png().toBuffer(), /limit/),
  apart("AVIF as large as allowed", await blank(3200, 3120, 3).avif({ effort: 0 }).toBuffer()),
  apart(
    "AVIF larger than its bytes allow",
    await blank(4000, 4000, 3).avif({ effort: 0 }).toBuffer(),
    /limit/,
  ),
  apart("JPEG of 200 scans", jpegOfScans(3200, 3100, 200)),
  apart("JPEG of 200 scans, as wide as can be", jpegOfScans(65_000, 150, 200)),
  image("PNG of 1,500 packed texts", pngOfTexts(png, 1500)),
  apart("TIFF of 200,000 directories", tiffOfDirectories(200_000), /processor time/),
  apart("GIF of 65,535 × 65,535", patched(gif, 6, 255, 255, 255, 255)),
  image("WebP of another size", patched(webp, 21, 255, 255, 255, 15), /cannot be decoded/),
  apart("TIFF of 60,000 × 60,000", hugeTiff(), /cannot be decoded/),
  apart("AVIF of 60,000 × 60,000", hugeAvif(), /cannot be decoded/),
  image(
    "HEIC",
    patched(avif, 8, ...utf8("heic"), 0, 0, 0, 0, ...utf8("mif1heicmif1")),
    /it is HEIC/,
  ),
  { ...image("1 × 60,000", await blank(1, 60_000, 3).png().toBuffer()), kind: "thin" },
  { ...image("60,000 × 1", await blank(60_000, 1, 3).png().toBuffer()), kind: "thin" },
  table("16 million commas", "t.csv", repeat(",", 1 << 24), /no end|more than 16384 fields/),
  table(
    "a hundred thousand columns",
    "t.csv",
    concatBytes([repeat("a,", 1e5), utf8("\n")]),
    /more than 16384/,
  ),
  table(
    "a quote never closed",
    "t.csv",
    concatBytes([utf8(`${csv}"`), repeat("a", 1 << 24)]),
    /quote/,
  ),
  table("a device as an image", "t.csv", utf8("image,label\n/dev/zero,a\nb.png,b\n"), /a device/),
  table(
    "a label of 17 kB",
    "t.csv",
    utf8(`${csv}b.png,${"x".repeat(17_000)}\n`),
    /longer than 1024/,
  ),
  table("JSON a million deep", "t.jsonl", repeat("[", 1e6), /nested too deeply/),
  table("a line of JSON of 20 MB", "t.jsonl", repeat("[1],", 5e6), /no end/),
  table(
    "JSON of many values",
    "t.jsonl",
    concatBytes([utf8("["), repeat("{},", 1e6)]),
    /damaged|values/,
  ),
  table("JSON that is fine", "t.jsonl", utf8(jsonl)),
  table(
    "a list of labels of 3 million",
    "t.jsonl",
    concatBytes([utf8('{"image":"a.png","label":['), repeat("1,", 1e6), utf8("1]}\n")]),
    /labels/,
  ),
  table(
    "tar with a name of 1 MB",
    "t.tar",
    tarFile([
      tarMember("a/1.png", png),
      tarMember(`b/${"x".repeat(1e6)}.png`, png, { long: "gnu" }),
    ]),
    /longer than 4096/,
  ),
  table(
    "tar that is gzip",
    "t.tar",
    gzipSync(Buffer.alloc(1 << 26)),
    /no tar file|truncated|damaged/,
  ),
  table(
    "TFRecord with a million labels",
    "t.tfrecord",
    record({ "image/encoded": [png], "image/class/label": Array<number>(1e6).fill(1) }),
    /too many values/,
  ),
  table(
    "TFRecord with a label of 1 MB",
    "t.tfrecord",
    record({ "image/encoded": [png], label: [new Uint8Array(1e6).fill(65)] }),
    /no name/,
  ),
  table(
    "parquet with labels of 4 MB in row groups",
    "t.parquet",
    parquet(
      ten((i) => `${i}`.repeat(1 << 22)),
      1,
    ),
    /longer than 1024|unpacks/,
  ),
  table(
    "parquet that is fine",
    "t.parquet",
    parquet(
      ten((i) => (i % 2 ? "x" : "y")),
      1,
    ),
  ),
  table(
    "parquet of 20,000 row groups",
    "t.parquet",
    parquet(
      Array.from({ length: 20_000 }, (_, i) => (i % 2 ? "x" : "y")),
      1,
    ),
  ),
  table(
    "parquet of 20,000 equal rows",
    "t.parquet",
    parquet(
      Array.from({ length: 20_000 }, (_, i) => (i % 2 ? "x" : "y")),
      10_000,
    ),
  ),
  folder(
    "idx of 1 GB, gzipped",
    {
      "train-images-idx3-ubyte.gz": gzipSync(zeros(2 ** 28)),
      "train-labels-idx1-ubyte": Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 0, 1),
    },
    /above the limit/,
  ),
  folder(
    "npz that inflates a thousandfold",
    { "train.npz": zipSync({ "images.npy": npyOf(2 ** 27), "labels.npy": writeNpy(labels) }) },
    /above the limit/,
  ),
  folder("npz that is fine", {
    "train.npz": writeNpz({
      images: { shape: [2, 1, 1], dtype: "uint8", data: new Uint8Array(2) },
      labels,
    }),
  }),
  weights("npz of 60,000 deflated members", "a.npz", writeNpz(manyArrays(60_000), { level: 9 })),
  weights("npz of many members", "a.npz", writeNpz({ a: labels }).fill(255, -14, -10), /.+/),
  weights("a header a million deep", "a.safetensors", safetensors(repeat("[", 1e6)), /nested too/),
  weights("a header of 2^60 bytes", "a.safetensors", new Uint8Array(16).fill(15), /impossible/),
  weights(
    "a header of many values",
    "a.safetensors",
    safetensors(concatBytes([utf8('{"a":{"shape":['), repeat("1,", 5e6)])),
    /too many values/,
  ),
  weights(
    "a tensor's name of 17 kB",
    "a.safetensors",
    safetensors(utf8(`{"${"x".repeat(17_000)}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`)),
    /longer than 1024/,
  ),
  weights(
    "a pickle of empty dictionaries",
    "a.pth",
    pth(pickled(0x5d, repeat("}a", 1e7))),
    /values/,
  ),
  weights(
    "a pickle a million deep",
    "a.pth",
    pth(pickled(repeat("]", 1e6), repeat("a", 999_999))),
    /.+/,
  ),
  weights("a pickle of 200 MB", "a.pth", pth(new Uint8Array(2e8).fill(0x4e)), /limit|too large/),
  weights("a device", "/dev/zero", new Uint8Array(), /a device, a pipe or a socket, not a file/),
  model("a depth of a million", { model: '{"name":"vit","depth":1000000}' }, /depth/),
  model("a width of a billion", { model: '{"name":"vit","depth":1,"width":1000000000}' }, /width/),
  model("resize(60000)", { preprocessing: "resize(60000)" }, /from 1 to 4096/),
  model("resize(4096)", { preprocessing: "resize(4096)" }, /makes images of/),
  model("a prototype", { model: '{"name":"vit","__proto__":{"depth":1}}' }, /model/),
  model("a million classes of a letter", { classes: `[${'"a",'.repeat(1e6)}"a"]` }, /./),
  onnx("graphs nested without end", wrapped([1, 5, 6], 20_000), /nested too deeply/),
  onnx("ten million empty nodes", repeat("\n\0", 1e7), /too many values/),
];
