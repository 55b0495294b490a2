/** @file The parsers that are fuzzed: a row is a name, whole files to begin with, and the parser. */

import { readFileSync } from "node:fs";
import { gzipSync, zipSync } from "fflate";
import { openParquetFile } from "../../src/data/readers/parquet-file.ts";
import {
  memoryFile,
  parquetFile,
  tarFile,
  tarMember,
  tfrecordFile,
} from "../../src/data/source-fixtures.ts";
import { tableRows } from "../../src/data/readers/table.ts";
import { tarMembers } from "../../src/data/readers/tar.ts";
import { OcelliError } from "../../src/errors.ts";
import { readIdx } from "../../src/formats/idx.ts";
import { numpyFixture } from "../../src/formats/numpy-fixtures.ts";
import { readNpy } from "../../src/formats/npy.ts";
import { openNpz } from "../../src/formats/npz.ts";
import { decodeModel } from "../../src/formats/onnx-decode.ts";
import { encodeModel } from "../../src/formats/onnx-encode.ts";
import { decodeWeights } from "../../src/formats/onnx-weights.ts";
import { readPickle } from "../../src/formats/pickle.ts";
import { PARQUET_FIXTURES, parquetFixture } from "../../src/formats/parquet/fixtures.ts";
import { openPth } from "../../src/formats/pth.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { torchFixture } from "../../src/formats/torch-fixtures.ts";
import { readExample, writeExample } from "../../src/formats/tf-example.ts";
import { readRecords } from "../../src/formats/tfrecord.ts";
import { readZip } from "../../src/formats/zip.ts";
import { decodingCost, imageKind } from "../../src/data/decode/image-kind.ts";
import { jpegFixture } from "../../src/formats/jpeg/fixtures.ts";
import { readJpeg } from "../../src/formats/jpeg/jpeg.ts";
import { readPngPicture } from "../../src/formats/png-picture.ts";
import { readPngMap, writePngMap } from "../../src/formats/png.ts";
import { fromNumbers } from "../../src/graph/index.ts";
import { parsePreprocessing } from "../../src/preprocess/pipeline.ts";
import { cardFromTexts, cardTexts } from "../../src/weights/model-card.ts";
import { type TokenizerCard, openTokenizer } from "../../src/text/index.ts";

/** One parser. A row of a new format is all that it takes to have it fuzzed. */
export interface FuzzRow {
  readonly name: string;
  /** Whole files, small ones; what is fed are damaged copies of them. */
  readonly seeds: readonly Uint8Array[];
  /** Reads all that a file holds; a promise where it reads piece by piece. It may fail with an OcelliError, and nothing else. */
  readonly parse: (bytes: Uint8Array) => unknown;
}

const small = fromNumbers([1, 2, 3, 4, 5, 6], [2, 3], "float32");
const half = fromNumbers([1, 2], [2], "bfloat16");
const all = (file: { names: readonly string[]; read: (name: string) => unknown }): unknown =>
  file.names.map((name) => file.read(name));

const idx = new Uint8Array([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);
const text = new TextEncoder().encode("word ".repeat(200));
const node = { opType: "Relu", inputs: ["x"], outputs: ["y"], attributes: { n: { ints: [1, 2] } } };
const graph = {
  name: "graph",
  nodes: [node],
  inputs: [{ name: "x", dtype: "float32", shape: ["batch", 3] }],
  outputs: [{ name: "y", dtype: "float32", shape: ["batch", 3] }],
  initializers: { w: small },
} as const;
const onnx = encodeModel({ irVersion: 8, opsetImports: { "": 20 }, graph, metadata: { a: "b" } });

const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
const pictures = ["cat/0.png", "dog/1.png", "wren/2.png"].map((path, number) => ({
  path,
  label: path.split("/")[0],
  number,
  bytes: utf8(`bytes of ${path}`),
}));

async function readAll<T>(pieces: AsyncIterable<T>, use = (piece: T): unknown => piece) {
  for await (const piece of pieces) await use(piece);
}

async function readParquet(bytes: Uint8Array): Promise<void> {
  const { metadata, read } = await openParquetFile(memoryFile(bytes));
  for (const { chunks, rows } of metadata.groups) {
    for (const chunk of chunks) await read(chunk, rows);
  }
}

const card = {
  model: { name: "vit", depth: 2, patchSize: [4, 4] },
  task: { name: "classification", loss: "softmax" },
  names: { label: ["cat", "dog"] },
  preprocessing: "decode|resize_small(20)|central_crop(16)|value_range(-1,1)",
  imageShape: [16, 16, 3],
  step: 5,
} as const;
/** Malformed UTF-8 becomes text of replacement characters: these parsers are given texts. */
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const SEPARATOR = "\u0001";

/** A card of texts in their order. */
function readCard(bytes: Uint8Array): unknown {
  const texts = textOf(bytes).split(SEPARATOR);
  const names = Object.keys(cardTexts(card));
  return cardFromTexts(Object.fromEntries(names.map((name, i) => [name, texts[i]])), "file");
}
/** A file of a recorded tokenizer. */
const vocabulary = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../golden/tokenizer/${path}`, import.meta.url)));

/** Opens a vocabulary, and encodes and decodes a text by it. */
const useTokenizer = (kind: TokenizerCard["kind"]) => (bytes: Uint8Array) => {
  const rules = { lower: "unicode", bos: "no", eos: "none", pad: 0, length: 8 } as const;
  const { encode, decode } = openTokenizer({ kind, ...rules }, bytes);
  return decode(encode("a red  face &amp; 12 hearts, é ﬁ 日本 😀"));
};

/** Every fuzzed parser. */
export const FUZZ_ROWS: readonly FuzzRow[] = [
  {
    name: "safetensors",
    seeds: [writeSafetensors({ a: small, b: half }, { note: "x" }), writeSafetensors({})],
    parse: readSafetensors,
  },
  {
    name: "npy",
    seeds: [numpyFixture("f4C"), numpyFixture("f4F"), numpyFixture("v2"), numpyFixture("bf16")],
    parse: (bytes) => readNpy(bytes),
  },
  {
    name: "npz",
    seeds: [numpyFixture("npzStored"), numpyFixture("npzDeflated")],
    parse: (bytes) => all(openNpz(bytes)),
  },
  {
    name: "zip",
    seeds: [zipSync({ "a.txt": text, "b/c": [text, { level: 0 }] })],
    parse: (bytes) => readZip(bytes, 2 ** 24, "zip file").map(({ read }) => read()),
  },
  {
    name: "pickle",
    seeds: [torchFixture("pickle4")],
    parse: (bytes) =>
      readPickle(bytes, { globals: { "collections.OrderedDict": () => new Map() } }, "pickle"),
  },
  {
    name: "pth",
    seeds: [
      torchFixture("zip"),
      torchFixture("legacy"),
      torchFixture("nested"),
      torchFixture("shared"),
    ],
    parse: (bytes) => all(openPth(bytes)),
  },
  { name: "onnx", seeds: [onnx.model], parse: decodeModel },
  { name: "onnx weights", seeds: [onnx.model], parse: decodeWeights },
  {
    name: "png map",
    seeds: [
      writePngMap(fromNumbers([0, 1, 2, 1, 0, 2], [2, 3], "uint8"), [
        [0, 0, 0],
        [9, 9, 9],
        [255, 0, 0],
      ]),
    ],
    parse: (bytes) => readPngMap(bytes, "map.png"),
  },
  {
    name: "jpeg",
    seeds: (["4:2:2", "4:2:2 progressive", "CMYK", "restarts"] as const).map(jpegFixture),
    parse: (bytes) => readJpeg(bytes, "picture.jpg"),
  },
  {
    name: "png picture",
    seeds: [
      writePngMap(fromNumbers([0, 1, 1, 0], [2, 2], "uint8"), [
        [0, 0, 0],
        [9, 9, 9],
      ]),
    ],
    parse: (bytes) => readPngPicture(bytes, "picture.png"),
  },
  { name: "idx", seeds: [idx, gzipSync(idx)], parse: (bytes) => readIdx(bytes) },
  {
    name: "tar",
    seeds: ([undefined, "gnu", "pax"] as const).map((long) =>
      tarFile(pictures.map(({ path, bytes }) => tarMember(path, bytes, { long }))),
    ),
    parse: (bytes) => readAll(tarMembers(memoryFile(bytes)), ({ read }) => read()),
  },
  {
    name: "parquet",
    seeds: [parquetFile(pictures), ...PARQUET_FIXTURES.map(parquetFixture)],
    parse: readParquet,
  },
  {
    name: "tfrecord",
    seeds: [tfrecordFile(pictures), tfrecordFile(pictures.slice(0, 1))],
    parse: (bytes) => [...readRecords(bytes)],
  },
  {
    name: "tf-example",
    seeds: [
      writeExample({ "image/encoded": [text], "image/class/label": [3] }),
      writeExample({ numbers: [1, -2, 2 ** 40], texts: [utf8("a"), utf8("")], none: [] }),
    ],
    parse: (bytes) => readExample(bytes),
  },
  {
    name: "csv",
    seeds: [
      utf8('\uFEFFimage,label\r\n"a, b.png",cat\r\n"c ""d"".png",dog\r\n\r\ne.png,3'),
      utf8("file_name;label\né.png;x y\n"),
    ],
    parse: (bytes) => readAll(tableRows("csv", memoryFile(bytes))),
  },
  {
    name: "model card",
    seeds: [utf8(Object.values(cardTexts(card)).join(SEPARATOR))],
    parse: readCard,
  },
  {
    name: "preprocessing",
    seeds: [utf8(card.preprocessing), utf8('inception_crop((8,9),5)|pad(2,mode="reflect")')],
    parse: (bytes) => parsePreprocessing(textOf(bytes)),
  },
  {
    name: "image kind",
    seeds: [Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 2, 0xff, 0xc2, 0, 4), utf8("<svg/>")],
    parse(bytes) {
      decodingCost(bytes);
      if (imageKind(bytes) === undefined) throw new OcelliError("data", "none");
    },
  },
  {
    name: "jsonl",
    seeds: [
      utf8(pictures.map(({ path, label }) => JSON.stringify({ image: path, label })).join("\n")),
      utf8('{"image":"é.png","label":["a",1,2.5e3],"more":{"x":[null,true]}}\r\n\n{}\n'),
    ],
    parse: (bytes) => readAll(tableRows("jsonl", memoryFile(bytes))),
  },
  {
    name: "sentencepiece",
    seeds: [
      vocabulary("sp_bpe/tokenizer.model"),
      vocabulary("sp_unigram_bytes/tokenizer.model"),
      vocabulary("unigram_rules/tokenizer.model"),
    ],
    parse: useTokenizer("sentencepiece"),
  },
  {
    name: "tokenizer.json",
    seeds: [
      vocabulary("json_split/tokenizer.json"),
      vocabulary("json_clip/tokenizer.json"),
      vocabulary("wordpiece_cased_json/tokenizer.json"),
    ],
    parse: useTokenizer("tokenizer.json"),
  },
  {
    name: "wordpiece",
    seeds: [vocabulary("wordpiece_uncased/vocab.txt")],
    parse: useTokenizer("wordpiece"),
  },
  {
    name: "clip",
    seeds: [
      vocabulary("clip/bpe.txt.gz"),
      utf8("#version: 0.2\nr e\nre d</w>\nf a\nfa c\nfac e</w>\n"),
    ],
    parse: useTokenizer("clip"),
  },
];
