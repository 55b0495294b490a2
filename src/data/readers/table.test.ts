import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Source } from "../source.ts";
import { put } from "../source-fixtures.ts";
import { openSplit } from "../splits/splits.ts";
import { openTable } from "./table.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-table-"));
  for (const name of ["a.png", "b.png", "sub/c, d.png"]) await put(join(dir, name), name);
});
afterAll(() => rm(dir, { recursive: true }));

async function open(name: "csv" | "jsonl", text: string, options = {}): Promise<Source> {
  const files = join(dir, `list.${name}`);
  await put(files, text);
  return openSplit(await openTable({ name, files, ...options }), "all");
}

async function labelsOf(source: Source): Promise<number[][]> {
  const read = Array.from({ length: source.length }, async (_, i) => (await source.read(i)).label);
  return (await Promise.all(read)).map(({ data }) => [...data].map(Number));
}

test("CSV: quotes, a byte order mark, CR LF, the same image twice", async () => {
  const source = await open(
    "csv",
    '\uFEFFpath,label\r\n"sub/c, d.png",cat\r\n./a.png,"dog"\r\na.png,cat\r\n',
  );
  expect(source.names.label).toEqual(["cat", "dog"]);
  expect([0, 1, 2].map((i) => source.id(i))).toEqual(["sub/c, d.png", "a.png", "a.png#2"]);
  expect(await labelsOf(source)).toEqual([[0], [1], [0]]);
  expect(Buffer.from((await source.read(0)).image.data as Uint8Array).toString()).toBe(
    "sub/c, d.png",
  );
});

test("UTF-16 with its order mark is read; other bytes than UTF-8 are named", async () => {
  const text = "\uFEFFimage,label\r\na.png,é\r\nb.png,日\r\n";
  const little = Buffer.from(text, "utf16le");
  const files = join(dir, "list.csv");
  for (const bytes of [little, Buffer.from(little).swap16(), Buffer.from(text)]) {
    await writeFile(files, bytes);
    const { names } = await openSplit(await openTable({ name: "csv", files }), "all");
    expect(names.label).toEqual(["é", "日"]);
  }
  await writeFile(files, Buffer.from("image,label\na.png,é\n", "latin1"));
  await expect(openTable({ name: "csv", files })).rejects.toThrow(
    "list.csv is no text of UTF-8; save it as UTF-8.",
  );
});

test("JSON numbers that are no longer exact are no labels", async () => {
  const lines = (...labels: string[]) =>
    labels.map((label) => `{"image":"a.png","label":${label}}`);
  const apart = lines("9007199254740993", "9007199254740992").join("\n");
  await expect(open("jsonl", apart)).rejects.toThrow(
    "line 1: its label 9007199254740992 is beyond 2^53",
  );
  const quoted = lines('"9007199254740993"', '"9007199254740992"').join("\n");
  expect((await open("jsonl", quoted)).names.label).toEqual([
    "9007199254740992",
    "9007199254740993",
  ]);
});

test("numbers as labels, with names given or not", async () => {
  const text = "image,label\na.png,2\nb.png,0\n";
  expect((await open("csv", text)).names.label).toEqual(["0", "2"]);
  expect((await open("csv", `${text}a.png,1\n`)).names.label).toEqual(["0", "1", "2"]);
  const named = await open("csv", text, { classes: ["x", "y", "z"] });
  expect(await labelsOf(named)).toEqual([[2], [0]]);
  await expect(open("csv", text, { classes: ["x", "y"] })).rejects.toThrow(
    "a.png has the label 2; there are 2 classes",
  );
});

test("JSON lines: several classes each, blank lines, other names of fields", async () => {
  const lines = [
    '{"img":"a.png","tags":["sky","sea"]}',
    "",
    '{"img":"b.png","tags":"sea"}',
    '{"img":"a.png","tags":[]}',
  ];
  const source = await open("jsonl", lines.join("\n"), { image: "img", label: "tags" });
  expect(source.names.label).toEqual(["sea", "sky"]);
  expect(await labelsOf(source)).toEqual([
    [1, 1],
    [1, 0],
    [0, 0],
  ]);
  expect((await source.read(0)).label).toMatchObject({ shape: [2], dtype: "float32" });
});

test("a field split says the splits", async () => {
  const files = join(dir, "split.csv");
  await put(files, "image,label,split\na.png,x,train\nb.png,y,val\n");
  const dataset = await openTable({ name: "csv", files });
  expect(dataset.splits).toEqual(["train", "val"]);
  expect((await openSplit(dataset, "validation")).id(0)).toBe("val/b.png");
});

test.each([
  ["csv", "image,label\na.png\n", "line 2: 1 fields instead of 2"],
  [
    "csv",
    "picture,label\na.png,x\n",
    "line 2 has no image, file_name, filename, path, file; it has picture, label. Name the field by data.image.",
  ],
  ["csv", "image,label\na.png,\n", "line 2: its label is no name"],
  ["csv", "image,label\na.png,-1\nb.png,0\n", "some labels are -1, others count from 0. Leave out"],
  ["csv", "", "has no images"],
  ["jsonl", '{"image":"a.png","label":1.5}', "a.png has the label 1.5, which is no class"],
  ["jsonl", '{"image":"a.png","label":{}}', "line 1: its label is no name"],
  ["jsonl", '{"image":7,"label":1}', "line 1: its image is no path"],
  ["jsonl", '{"image":"a.png"', "line 1: this line of JSON is truncated or damaged"],
  ["jsonl", "[1]", "line 1 is no JSON object"],
] as const)("%s %j is refused", async (name, text, message) => {
  await expect(open(name, text)).rejects.toThrow(message);
});

test("a lost image is named when it is read", async () => {
  const source = await open("csv", "image,label\na.png,x\ngone.png,y\n");
  await expect(source.read(1)).rejects.toThrow(
    `cannot read ${join(dir, "gone.png")}: there is no such file`,
  );
});
