import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { standsByClass } from "./class-order.ts";
import { openDataset } from "../datasets.ts";
import type { Dataset, Source } from "../source.ts";
import { openSplit } from "../splits/splits.ts";

const CLASSES = 100;
const EACH = 20;

let dir: string;
let dataset: Dataset;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-class-order-"));
  for (const split of ["train", "test"]) {
    for (let k = 0; k < CLASSES; k++) {
      const folder = join(dir, split, `class-${String(k).padStart(2, "0")}`);
      await mkdir(folder, { recursive: true });
      const names = Array.from({ length: split === "train" ? EACH : 1 }, (_, i) => `${i}.png`);
      await Promise.all(names.map((name) => writeFile(join(folder, name), "")));
    }
  }
  dataset = await openDataset({ name: "folder", dir });
});
afterAll(() => rm(dir, { recursive: true }));

const idsOf = (source: Source): string[] =>
  Array.from({ length: source.length }, (_, i) => source.id(i));
const classesIn = (source: Source): Set<string> =>
  new Set(idsOf(source).map((id) => id.split("/").at(-2)!));

test.each([
  [[0, 0, 1, 1], true],
  [["b", "b", "a", "a", "c", "c"], true],
  [[0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2], false], // as many runs as shuffling gives
  [Array.from({ length: 400 }, (_, i) => Math.floor((i % 200) / 20)), true], // two shards, each class by class
  [[0, 1, 0, 1], false],
  [[0, 1, 2, 3], false], // one of each: no order is more even
  [[0, 0, 0], false],
  [[], false],
])("labels %j: class by class is %j", (labels, expected) => {
  expect(standsByClass(labels)).toBe(expected);
});

test("slices of a folder of 100 classes have examples of all of them, are apart, and cover it", async () => {
  const most = await openSplit(dataset, "train[:99%]");
  const rest = await openSplit(dataset, "train[99%:]");
  expect([most.length, rest.length]).toEqual([0.99 * CLASSES * EACH, 0.01 * CLASSES * EACH]);
  expect(classesIn(most).size).toBe(CLASSES); // the last class was missing whole
  expect(classesIn(rest).size).toBeGreaterThan(15); // it was one class
  expect(classesIn(await openSplit(dataset, "train[:2%]")).size).toBeGreaterThan(25); // it was two
  expect(classesIn(await openSplit(dataset, "train[:500]")).size).toBeGreaterThan(95); // it was 25
  const all = idsOf(await openSplit(dataset, "train"));
  expect([...idsOf(most), ...idsOf(rest)].sort()).toEqual(all.toSorted());
  expect(idsOf(most)).toEqual(idsOf(await openSplit(dataset, "train~[:99%]")));
});

test("a slice that is drawn says so, once; others say nothing", async () => {
  const notes: string[] = [];
  const note = (line: string): void => void notes.push(line);
  await openSplit(dataset, "train[:99%]", { note });
  expect(notes).toEqual([
    "train[:99%]: the examples stand class by class, so the slice is drawn by hashing their ids, as train~[:99%] is",
  ]);
  await openSplit(dataset, "train~[:99%]", { note });
  await openSplit(dataset, "train", { note });
  await openSplit(dataset, "train[:]", { note });
  expect(notes).toHaveLength(1);
});

test("splits that hashing made of a folder stand class by class too", async () => {
  const hashed = await openDataset({ name: "folder", dir: join(dir, "train") });
  const slice = await openSplit(hashed, "train[:10%]");
  expect(classesIn(slice).size).toBeGreaterThan(60); // by position it were ten
});

test("a slice by position is still to be had, for runs that recorded one", async () => {
  const rest = await openSplit(dataset, "train[99%:]", { slices: "by position" });
  expect(classesIn(rest)).toEqual(new Set(["class-99"]));
});
