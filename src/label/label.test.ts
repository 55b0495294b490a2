/** @file Which pictures come next, and the table of labels. */

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../data/datasets.ts";
import { openEngine } from "../engines/select.ts";
import { hostArray } from "../graph/index.ts";
import { seededRandom } from "../random.ts";
import { centredRows, cosine } from "../transfer/alike.ts";
import { groupAround, leastSure, mostTypical } from "./choose.ts";
import { copyToFolders } from "./folders.ts";
import { openLabels } from "./labels-file.ts";
import { LabelSession } from "./session.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-labels-"))));
afterAll(() => rm(dir, { recursive: true }));

/** Three clusters of 14, 11 and 9 rows. */
function clusters() {
  const random = seededRandom("clusters", 0);
  const centres = [14, 11, 9].flatMap((count, k) => Array<number>(count).fill(k));
  const data = centres.flatMap((centre) =>
    [0, 1, 2].map((k) => (k === centre ? 5 : 0) + random.integer(-9, 9) / 30),
  );
  const rows = centredRows(hostArray([centres.length, 3], "float32", Float32Array.from(data)));
  return { rows, centres };
}

test("rows are centred and of length 1, and a row that is the mean stays zero", () => {
  const rows = centredRows(hostArray([3, 2], "float32", Float32Array.of(1, 1, 2, 2, 3, 3)));
  expect([...rows.data].map((value) => Math.round(1e6 * value))).toEqual([
    -707107, -707107, 0, 0, 707107, 707107,
  ]);
  expect(cosine(rows, 0, 2)).toBeCloseTo(-1, 6);
});

test("at first the largest clusters come, each once, and the least sure later", () => {
  const { rows, centres } = clusters();
  const seen: number[] = [];
  const open = () => [...centres.keys()].filter((row) => !seen.includes(row));
  for (const wanted of [0, 1, 2]) {
    const row = mostTypical(rows, open(), seen);
    expect(centres[row]).toBe(wanted);
    const group = groupAround(rows, row, open());
    expect(group[0]).toBe(row);
    expect(new Set(group.map((one) => centres[one]))).toEqual(new Set([wanted]));
    expect(group.length).toBe(Math.min(12, centres.filter((one) => one === wanted).length));
    seen.push(row);
  }
  expect(leastSure([4, 2, 7], (row) => Math.abs(row - 3))).toBe(4);
});

test("undo takes away a class whose name was mistyped, and none that was there before", async () => {
  const features = hostArray([4, 2], "float32", Float32Array.of(1, 0, 0, 1, 1, 1, 0, 0));
  const file = await openLabels(join(dir, "undo.csv"));
  const names = ["a.png", "b.png", "c.png", "d.png"];
  const engine = await openEngine("interpreter");
  const session = await LabelSession.begin(engine, features, { names, file, classes: ["cat"] });
  const label = (name: string) => session.label([session.view().pictures[0].row], name);
  const classes = () => session.view().classes.map(({ name, count }) => [name, count]);
  await label("cta");
  expect(classes()).toEqual([
    ["cat", 0],
    ["cta", 1],
  ]);
  await session.undo();
  expect(classes()).toEqual([["cat", 0]]);
  await label("cat");
  await session.undo();
  expect(classes()).toEqual([["cat", 0]]);
  await engine.dispose();
});

test("a table holds any name, is read by data sets, and keeps what it had when pictures are gone", async () => {
  const folder = join(dir, "pictures");
  await mkdir(join(folder, "in, side"), { recursive: true });
  const path = join(folder, "labels.csv");
  const file = await openLabels(path);
  const named = file.nameOf(join(folder, "in, side", "a.png"));
  expect(named).toBe("in, side/a.png");
  await file.set(
    new Map([
      [named, 'a "large", cat'],
      ["b.png", " dog"],
      ["gone.png", "cat"],
    ]),
  );
  await file.set(new Map([["gone.png", undefined]]));
  expect([...(await openLabels(path)).labels]).toEqual([
    ["in, side/a.png", 'a "large", cat'],
    ["b.png", " dog"],
  ]);
  for (const name of ["in, side/a.png", "b.png"]) await writeFile(join(folder, name), name);
  const data = await openDataset({ name: "csv", files: path, splits: { train: 1 } });
  const source = await data.open("train");
  expect(source.names.label).toEqual(['a "large", cat', "dog"].sort());
  expect(await readdir(folder)).toEqual(["b.png", "in, side", "labels.csv"]); // nothing left beside
});

test("a table with columns of its own is refused, and so are rows without a label", async () => {
  const path = join(dir, "own.csv");
  await writeFile(path, "file,label,note\na.png,cat,mine\n");
  await expect(openLabels(path)).rejects.toThrow(/columns file, label, note, not file, label/);
  expect(await readFile(path, "utf8")).toContain("mine");
  await writeFile(path, "file,label\na.png,\n");
  await expect(openLabels(path)).rejects.toThrow(/line 2: a row is a file and its label/);
});

test("pictures of one name are both copied, and a class that can be no folder copies nothing", async () => {
  const folder = join(dir, "from");
  for (const name of ["x", "y"]) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, "1.png"), name);
  }
  const file = await openLabels(join(folder, "labels.csv"));
  await file.set(new Map(["x/1.png", "y/1.png"].map((name) => [name, "cat"])));
  const into = join(dir, "into");
  expect(await copyToFolders(file, into)).toEqual({ folder: into, copied: 2, kept: 0 });
  expect((await readdir(join(into, "cat"))).sort()).toEqual(["1-2.png", "1.png"]);
  await writeFile(join(into, "cat", "1.png"), "another");
  await expect(copyToFolders(file, into)).rejects.toThrow(/another file is in its way/);
  await file.set(new Map([["x/1.png", "../outside"]]));
  await expect(copyToFolders(file, join(dir, "none"))).rejects.toThrow(/can be no folder/);
  expect(await readdir(dir)).not.toContain("none");
});
