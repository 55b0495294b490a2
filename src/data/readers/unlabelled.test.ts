/** @file Images without labels, in folders, archives and tables. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openDataset } from "../datasets.ts";
import { put, tarFile, tarMember } from "../source-fixtures.ts";
import { openSplit } from "../splits/splits.ts";
import type { DataConfig } from "../config.ts";
import { detectData } from "./detect.ts";

let dir: string;
const dirs: string[] = [];
beforeEach(async () => void dirs.push((dir = await mkdtemp(join(tmpdir(), "ocelli-unlabelled-")))));
afterAll(() => Promise.all(dirs.map((each) => rm(each, { recursive: true }))));

const write = (...paths: string[]) => Promise.all(paths.map((path) => put(join(dir, path), path)));
const bytes = (text: string) => new TextEncoder().encode(text);

/** The ids of a split, each read: images alone, their bytes their paths. */
async function idsOf(data: DataConfig, split: string, labels?: "optional"): Promise<string[]> {
  const source = await openSplit(await openDataset(data, { labels }), split);
  expect(source).toMatchObject({ fields: { image: "image" }, names: {} });
  const ids = Array.from({ length: source.length }, (_, i) => source.id(i));
  for (const [i, id] of ids.entries()) {
    const example = await source.read(i);
    expect(Object.keys(example)).toEqual(["image"]);
    const { data } = example.image as { readonly data: Uint8Array };
    expect(Buffer.from(data).toString().endsWith(id)).toBe(true);
  }
  return ids;
}

test("a flat folder is detected where the task needs no labels, and refused where it does", async () => {
  await write("1.png", "2.png", "notes.md");
  const data = await detectData(dir, { labels: "optional" });
  expect(data).toEqual({ name: "folder", dir, labels: "none" });
  expect(await idsOf(data, "all")).toEqual(["1.png", "2.png"]);
  expect(await idsOf({ name: "folder", dir }, "all", "optional")).toEqual(["1.png", "2.png"]);
  const { notes, splits } = await openDataset(data);
  expect(notes).toEqual(["1 file ignored (notes.md)", "2 images without labels"]);
  expect(splits).toEqual(["train", "validation", "test", "all"]);
  await expect(detectData(dir)).rejects.toThrow("2 images and 1 other files, but no folders");
  await expect(openDataset({ name: "folder", dir })).rejects.toThrow(
    "has 2 images, but no class folders",
  );
});

test("nested folders without class folders: images beside folders, or one folder alone", async () => {
  await write("a/1.png", "a/b/2.png", "b/3.png", "4.png");
  const data = { name: "folder", dir } as const;
  const all = ["4.png", "a/1.png", "a/b/2.png", "b/3.png"];
  expect(await idsOf(data, "all", "optional")).toEqual(all);
  const single = { name: "folder", dir: join(dir, "a") } as const;
  expect(await idsOf(single, "all", "optional")).toEqual(["1.png", "b/2.png"]);
});

test("class folders keep their labels where these are optional, and lose them on request", async () => {
  await write("a/1.png", "b/2.png");
  const labelled = await openSplit(
    await openDataset({ name: "folder", dir }, { labels: "optional" }),
    "all",
  );
  expect(labelled.names).toEqual({ label: ["a", "b"] });
  const data = { name: "folder", dir, labels: "none" } as const;
  expect(await idsOf(data, "all", "optional")).toEqual(["a/1.png", "b/2.png"]);
});

test("folders called like splits are splits, whatever lies in them", async () => {
  await write("train/1.png", "train/x/2.png", "val/3.png", "more/4.png");
  const data = { name: "folder", dir, labels: "none" } as const;
  expect(await idsOf(data, "train")).toEqual(["train/1.png", "train/x/2.png"]);
  expect(await idsOf(data, "validation")).toEqual(["val/3.png"]);
  expect((await openDataset(data)).notes).toEqual([
    "1 file ignored (more/4.png)",
    "train: 2 images without labels",
    "val: 1 image without labels",
  ]);
});

test("an archive without labels, and one whose labels are not wanted", async () => {
  const member = (name: string) => tarMember(name, bytes(name));
  const files = join(dir, "flat.tar");
  await put(files, tarFile([member("1.png"), member("2.png")]));
  const flat = { name: "tar", files } as const;
  expect(await idsOf(flat, "all", "optional")).toEqual(["1.png", "2.png"]);
  await expect(openDataset(flat)).rejects.toThrow("is in no class folder");
  const labelled = join(dir, "labelled.tar");
  const label = (name: string) => tarMember(name, bytes("cat"));
  await put(labelled, tarFile([member("1.png"), label("1.cls"), member("a/2.png")]));
  expect(await idsOf({ name: "tar", files: labelled, labels: "none" }, "all")).toEqual([
    "1.png",
    "a/2.png",
  ]);
});

test("labels that are not wanted are not read: damaged ones, and columns of structs, are no error", async () => {
  const damaged = join(dir, "damaged.tar");
  await put(
    damaged,
    tarFile([tarMember("1.png", bytes("1.png")), tarMember("1.json", bytes("{"))]),
  );
  await expect(openDataset({ name: "tar", files: damaged })).rejects.toThrow("1.json");
  expect(await idsOf({ name: "tar", files: damaged, labels: "none" }, "all")).toEqual(["1.png"]);
  const boxes = join(dir, "boxes.parquet");
  const columnData = [
    { name: "image", data: [bytes("boxes.parquet/0")] }, // idsOf wants the id
    { name: "label", data: [{ box: 1n, area: 2n }] },
  ];
  const schema: Parameters<typeof parquetWriteBuffer>[0]["schema"] = [
    { name: "root", num_children: 2 },
    { name: "image", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
    { name: "label", num_children: 2, repetition_type: "OPTIONAL" },
    { name: "box", type: "INT64", repetition_type: "OPTIONAL" },
    { name: "area", type: "INT64", repetition_type: "OPTIONAL" },
  ];
  await put(boxes, new Uint8Array(parquetWriteBuffer({ columnData, schema })));
  await expect(openDataset({ name: "parquet", files: boxes })).rejects.toThrow("holds structs");
  const found = await idsOf({ name: "parquet", files: boxes, labels: "none" }, "all");
  expect(found).toEqual(["boxes.parquet/0"]);
});

test("a table that only lists images", async () => {
  await write("1.png", "2.png");
  const files = join(dir, "list.csv");
  await put(files, "image,label\n1.png,\n2.png,\n");
  const data = { name: "csv", files } as const;
  expect(await idsOf(data, "all", "optional")).toEqual(["1.png", "2.png"]);
  await put(files, "image\n1.png\n2.png\n");
  expect(await idsOf(data, "all", "optional")).toEqual(["1.png", "2.png"]);
  expect(await idsOf({ ...data, labels: "none" }, "all")).toEqual(["1.png", "2.png"]);
  await expect(openDataset(data)).rejects.toThrow("has no label");
});
