/** @file Data as people have it: layouts, labels and names in the shape of public reports, and their right values. */

import type { Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../datasets.ts";
import { detectData } from "./detect.ts";
import type { Dataset } from "../source.ts";
import { HUB_SCHEMA, put, serveFiles, tarFile, tarMember } from "../source-fixtures.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-people-"))));
afterAll(() => rm(dir, { recursive: true }));

/** Writes files of a data set, and gives its path; a path's text is its content unless said. */
async function write(name: string, files: readonly string[] | Record<string, string | Uint8Array>) {
  const contents = Array.isArray(files)
    ? files.map((path: string): [string, string] => [path, path])
    : Object.entries(files as Record<string, string | Uint8Array>);
  for (const [path, content] of contents) await put(join(dir, name, path), content);
  return join(dir, name);
}

const open = async (path: string): Promise<Dataset> => openDataset(await detectData(path));

/** Every split but those that hashing made: the class of each example by its content. */
async function contentOf(dataset: Dataset): Promise<Record<string, Record<string, string>>> {
  const names = dataset.shares ? ["all"] : dataset.splits;
  const splits: Record<string, Record<string, string>> = {};
  for (const name of names) {
    const source = await dataset.open(name);
    splits[name] = {};
    for (let i = 0; i < source.length; i++) {
      const { image, label } = await source.read(i);
      expect(source.held!.label(i)).toEqual(label);
      const content = Buffer.from(image.data as Uint8Array).toString();
      const classes = source.names.label;
      splits[name][content] =
        label.dtype === "int32"
          ? classes[Number(label.data[0])]
          : classes.filter((_, k) => Number(label.data[k]) > 0).join("+");
    }
  }
  return splits;
}

const classesOf = async (dataset: Dataset) => (await dataset.open(dataset.splits[0])).names.label;

describe("split folders", () => {
  test("a flat test folder is left out", async () => {
    const dataset = await open(
      await write("flat-test", ["train/red/0.png", "train/blue/1.png", "test/2.png"]),
    );
    expect(await contentOf(dataset)).toEqual({
      all: { "train/red/0.png": "red", "train/blue/1.png": "blue" },
    });
    expect(dataset.notes).toEqual(["test is left out: its 1 image has no labels"]);
  });

  test.each(["csv", "jsonl"])("metadata.%s in split folders has the labels", async (kind) => {
    const table = (rows: readonly [string, string][]): string =>
      kind === "csv"
        ? ["file_name,label", ...rows.map((row) => row.join())].join("\n")
        : rows.map(([file_name, label]) => JSON.stringify({ file_name, label })).join("\n");
    const path = await write(`hf-${kind}`, {
      "train/0.png": "0",
      "train/1.png": "1",
      [`train/metadata.${kind}`]: table([
        ["0.png", "red"],
        ["1.png", "blue"],
      ]),
      "test/2.png": "2",
      [`test/metadata.${kind}`]: table([["2.png", "blue"]]),
    });
    const dataset = await open(path);
    expect(await contentOf(dataset)).toEqual({
      train: { 0: "red", 1: "blue" },
      test: { 2: "blue" },
    });
    expect((await dataset.open("test")).id(0)).toBe("test/2.png");
    expect(dataset.notes).toEqual([]);
  });

  test("one metadata table above split folders divides by the paths", async () => {
    const path = await write("hf-above", {
      "train/0.png": "0",
      "test/1.png": "1",
      "metadata.csv": "file_name,label\ntrain/0.png,red\ntest/1.png,blue\n",
    });
    const dataset = await open(path);
    expect(await contentOf(dataset)).toEqual({ train: { 0: "red" }, test: { 1: "blue" } });
    expect((await dataset.open("test")).id(0)).toBe("test/1.png");
  });

  test("what archives and disks leave behind is no data", async () => {
    const path = await write("leftovers", [
      "train/red/0.png",
      "train/blue/1.png",
      "train/@eaDir/1.png",
      "test/red/2.png",
      "test/.DS_Store",
      "test/red/Thumbs.db",
      "__MACOSX/._x.png",
      "__MACOSX/train/red/._0.png",
    ]);
    const dataset = await open(path);
    expect(dataset.splits).toEqual(["test", "train"]);
    expect(await classesOf(dataset)).toEqual(["blue", "red"]);
    expect(dataset.notes).toEqual([]);
  });

  test("folders for splits inside an archive are splits, in its order", async () => {
    const names = ["train/b/0.png", "test/a/1.png", "train/a/2.png", "__MACOSX/train/a/._2.png"];
    const members = names.map((name) => tarMember(name, new TextEncoder().encode(name)));
    const dataset = await open(
      join(await write("tar", { "pets.tar": tarFile(members) }), "pets.tar"),
    );
    expect(await contentOf(dataset)).toEqual({
      train: { "train/b/0.png": "b", "train/a/2.png": "a" },
      test: { "test/a/1.png": "a" },
    });
    expect((await dataset.open("train")).id(0)).toBe("train/b/0.png");
  });

  test("folders of shards are splits", async () => {
    const shard = (split: string) =>
      tarFile(
        ["0", "1"].flatMap((label) => [
          tarMember(`${label}.png`, new TextEncoder().encode(`${split} ${label}`)),
          tarMember(`${label}.cls`, new TextEncoder().encode(label)),
        ]),
      );
    const path = await write("wds", {
      "train/00000.tar": shard("train"),
      "val/00000.tar": shard("val"),
    });
    const content = {
      train: { "train 0": "0", "train 1": "1" },
      val: { "val 0": "0", "val 1": "1" },
    };
    expect(await contentOf(await open(path))).toEqual(content);
    expect(await contentOf(await open(join(path, "{train,val}", "*.tar")))).toEqual(content);
  });
});

describe("labels", () => {
  /** The classes of a table of labels, and the class of each row. */
  async function read(name: string, labels: readonly unknown[]) {
    const kind = typeof labels[0] === "string" && name !== "json" ? "csv" : "jsonl";
    const rows = labels.map((label, i) =>
      kind === "csv" ? `${i}.png,${label as string}` : JSON.stringify({ image: `${i}.png`, label }),
    );
    const images = labels.map((_, i) => [`${i}.png`, String(i)]);
    const table = [...(kind === "csv" ? ["image,label"] : []), ...rows].join("\n");
    const path = await write(name, { ...Object.fromEntries(images), [`t.${kind}`]: table });
    const dataset = await open(join(path, `t.${kind}`));
    return [await classesOf(dataset), Object.values((await contentOf(dataset)).all).join(" ")];
  }

  test.each([
    ["0 90 180 270 90", "0 90 180 270"],
    ["007 7 012", "007 7 012"],
    ["0 1 2 10 3 4 5 6 7 8 9", "0 1 2 3 4 5 6 7 8 9 10"],
    ["0 1 2", "0 1 2"],
    ["1998 2007 2020", "1998 2007 2020"],
    ["00 01 02", "00 01 02"],
    ["911 Boxster Cayenne", "911 Boxster Cayenne"],
    ["-1 1", "-1 1"],
    ["1 2 3", "1 2 3"],
    ["1e3 0x10 1.5", "0x10 1.5 1e3"],
    ["12345678901234567890 12345678901234567891", "12345678901234567890 12345678901234567891"],
  ])("the column %s has the classes %s", async (labels, classes) => {
    const given = labels.split(" ");
    expect(await read("csv", given)).toEqual([classes.split(" "), labels]);
    expect(await read("json", given)).toEqual([classes.split(" "), labels]);
  });

  test("numbers of JSON are read as those of texts are", async () => {
    expect(await read("json", [0, 90, 180])).toEqual([["0", "90", "180"], "0 90 180"]);
    expect(await read("json", [1, 0, 2])).toEqual([["0", "1", "2"], "1 0 2"]);
    expect(await read("json", [7, "007"])).toEqual([["007", "7"], "7 007"]);
    expect(await read("json", [true, false])).toEqual([["false", "true"], "true false"]);
  });

  test("given classes: texts are names where all are among them, numbers are indices", async () => {
    const path = await write("given", {
      "0.png": "0",
      "1.png": "1",
      "t.csv": "image,label\n0.png,0\n1.png,90\n",
      "t.jsonl": '{"image":"0.png","label":0}\n{"image":"1.png","label":1}\n',
    });
    const named = { name: "csv", files: join(path, "t.csv"), classes: ["90", "0"] } as const;
    expect((await contentOf(await openDataset(named))).all).toEqual({ 0: "0", 1: "90" });
    const indices = { name: "jsonl", files: join(path, "t.jsonl"), classes: ["1", "0"] } as const;
    expect((await contentOf(await openDataset(indices))).all).toEqual({ 0: "1", 1: "0" });
  });
});

describe("names and paths", () => {
  const table = "image,label\n0.png,red\n1.png,blue\n";
  const content = { all: { 0: "red", 1: "blue" } };

  test.each(["set {a,b}", "{6E3F-22}", "[D_DATA]", "100% #1", "a?b*", "{0..3}"])(
    "a folder called %s is that folder",
    async (name) => {
      const path = await write(name, { "0.png": "0", "1.png": "1", "t.csv": table });
      expect(await contentOf(await open(join(path, "t.csv")))).toEqual(content);
      expect(await contentOf(await open(path))).toEqual(content);
    },
  );

  test("blanks around fields, and backslashes between the parts of paths", async () => {
    const path = await write("details", {
      "img/0.png": "0",
      "img/1.png": "1",
      "blanks.csv": 'image, label\nimg/0.png , red\n img/1.png, "blue" \n',
      "backslash.csv": "image,label\nimg\\0.png,red\n.\\img\\1.png,blue\n",
      "backslash.jsonl":
        '{"image":"img\\\\0.png","label":" red"}\n{"image":"img\\\\1.png","label":"blue"}',
    });
    for (const name of ["blanks.csv", "backslash.csv", "backslash.jsonl"]) {
      const dataset = await open(join(path, name));
      expect(await contentOf(dataset)).toEqual(content);
      expect((await dataset.open("all")).id(1)).toBe("img/1.png");
    }
  });

  test("a file that is called as the table says is read, whatever signs it has", async () => {
    const path = await write("signs", {
      "a\\0.png": "0",
      " 1.png": "1",
      "t.csv": "image,label\na\\0.png,red\n 1.png,blue\n",
    });
    expect(await contentOf(await open(join(path, "t.csv")))).toEqual(content);
  });

  test("signs of addresses in names are encoded over HTTP", async () => {
    const names = ["red #.png", "red?.png", "red 5%25.png", "sub/blue & ü.png"];
    const rows = names.map((name) => `${name},${name.includes("red") ? "red" : "blue"}`);
    const path = await write("urls", {
      ...Object.fromEntries(names.map((name) => [name, name])),
      "t.csv": ["image,label", ...rows].join("\n"),
    });
    const { url, server } = await serveFiles(path);
    try {
      expect((await contentOf(await open(`${url}/t.csv`))).all).toEqual(
        Object.fromEntries(names.map((name) => [name, name.includes("red") ? "red" : "blue"])),
      );
    } finally {
      close(server);
    }
  });
});

describe("unlabelled splits", () => {
  test.each([
    ["a table without the field", "image\n2.png\n"],
    ["a field left empty", "image,label\n2.png,\n"],
    ["-1", "image,label\n2.png,-1\n"],
  ])("%s is left out", async (_, rows) => {
    const path = await write("unlabelled", {
      "0.png": "0",
      "1.png": "1",
      "2.png": "2",
      "train.csv": "image,label\n0.png,red\n1.png,blue\n",
      "test.csv": rows,
    });
    const dataset = await open(path);
    expect(await contentOf(dataset)).toEqual({ all: { 0: "red", 1: "blue" } });
    expect(dataset.notes).toEqual(["test is left out: its 1 image has no labels"]);
  });

  test("a label that is missing among others is an error", async () => {
    const path = await write("holes", { "t.csv": "image,label\n0.png,red\n1.png,\n2.png,blue\n" });
    await expect(open(join(path, "t.csv"))).rejects.toThrow("line 3: its label is no name");
  });
});

describe("parquet of the hub", () => {
  interface Row {
    readonly bytes: Uint8Array | null;
    readonly path: string | null;
    readonly label: number;
  }

  const parquet = (rows: readonly Row[]): Uint8Array =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "image", data: rows.map(({ bytes, path }) => ({ bytes, path })) },
          { name: "label", data: rows.map(({ label }) => BigInt(label)) },
        ],
        schema: HUB_SCHEMA,
        kvMetadata: [{ key: "huggingface", value: hub({ _type: "ClassLabel", names: NAMES }) }],
      }),
    );

  const NAMES = ["red", "blue", "never"];
  const hub = (label: unknown): string =>
    JSON.stringify({ info: { features: { image: { _type: "Image" }, label } } });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test("a test split of −1 is left out; names without images stay", async () => {
    const path = await write("hub/data", {
      "train-0.parquet": parquet([
        { bytes: bytes("0"), path: null, label: 0 },
        { bytes: bytes("1"), path: null, label: 1 },
      ]),
      "test-0.parquet": parquet([{ bytes: bytes("2"), path: null, label: -1 }]),
    });
    const dataset = await open(join(path, ".."));
    expect(await contentOf(dataset)).toEqual({ all: { 0: "red", 1: "blue" } });
    expect(await classesOf(dataset)).toEqual(NAMES);
    expect(dataset.notes).toEqual(["test is left out: its 1 image has no labels"]);
  });

  test("an image without bytes is read by its path, beside the file, also over HTTP", async () => {
    const path = await write("paths", {
      "files/0 #.png": "0",
      "t.parquet": parquet([
        { bytes: null, path: "files/0 #.png", label: 0 },
        { bytes: bytes("1"), path: "gone.png", label: 1 },
      ]),
    });
    const content = { all: { 0: "red", 1: "blue" } };
    expect(await contentOf(await open(join(path, "t.parquet")))).toEqual(content);
    const { url, server } = await serveFiles(path);
    try {
      expect(await contentOf(await open(`${url}/t.parquet`))).toEqual(content);
    } finally {
      close(server);
    }
  });

  const label = { _type: "ClassLabel", names: NAMES };
  test.each([
    ["Sequence", { _type: "Sequence", feature: label }],
    ["List", { _type: "List", feature: label }],
    ["a list", [label]],
  ])("%s of ClassLabel has its names", async (_, feature) => {
    const list = [[0, 1], [], [1]];
    const file = parquetWriteBuffer({
      columnData: [
        { name: "image", data: ["0", "1", "2"].map(bytes) },
        { name: "label", data: list },
      ],
      schema: [
        { name: "root", num_children: 2 },
        { name: "image", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
        { name: "label", num_children: 1, converted_type: "LIST", repetition_type: "OPTIONAL" },
        { name: "list", num_children: 1, repetition_type: "REPEATED" },
        { name: "element", type: "INT32", repetition_type: "OPTIONAL" },
      ],
      kvMetadata: [{ key: "huggingface", value: hub(feature) }],
    });
    const path = await write("multi", { "t.parquet": new Uint8Array(file) });
    const dataset = await open(join(path, "t.parquet"));
    expect(await classesOf(dataset)).toEqual(NAMES);
    expect(await contentOf(dataset)).toEqual({ all: { 0: "red+blue", 1: "", 2: "blue" } });
  });
});

test("images of kinds that are not read are named, with those that are", async () => {
  const path = await write("unread", ["red/0.jxl", "red/1.jxl", "blue/2.heic", "blue/3.png"]);
  await expect(open(path)).rejects.toThrow(
    `${basename(path)}: the class "red" has no images that are read. 2 .jxl images are not read, such as`,
  );
  await put(join(path, "red", "4.png"), "4");
  const { notes } = await open(path);
  expect(notes).toEqual([
    "1 .heic and 2 .jxl images are not read, such as blue/2.heic; JPEG, PNG, WebP, GIF, AVIF and TIFF are read",
  ]);
});

function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}
