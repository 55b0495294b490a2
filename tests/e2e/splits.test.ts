/** @file What a run records of its examples: which ones trained it, which ones judge it, and that both stay. */

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, type EvalResult, resume, train } from "../../src/index.ts";
import { openDataset } from "../../src/data/datasets.ts";
import { splitOf } from "../../src/data/splits/hashed.ts";
import { openSplit } from "../../src/data/splits/splits.ts";
import { type SplitRecord, recordSplits } from "../../src/served/split-record.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { smallConfig } from "./small-run.ts";

const SHARES = { train: 60, validation: 20, test: 20 };
const STEPS = 30;

let dir: string;
let images: string;
let config: ConfigInput;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-splits-"));
  images = join(dir, "images");
  for (const [name, background] of [
    ["dark", "#202020"],
    ["light", "#e0e0e0"],
  ] as const) {
    await mkdir(join(images, name), { recursive: true });
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    const spot = { create: { width: 2, height: 2, channels: 3 as const, background: "red" } };
    const bytes = await picture
      .composite([{ input: spot }])
      .png()
      .toBuffer();
    for (let i = 0; i < 15; i++) await sharp(bytes).toFile(join(images, name, `${i}.png`));
  }
  const preprocess = "decode|resize(28)|grayscale|value_range(-1,1)";
  config = {
    ...smallConfig(dir, STEPS),
    data: { name: "folder", dir: images, splits: SHARES, splitBy: "id" },
    preprocess: { train: preprocess, eval: preprocess },
    evals: { test: { split: "test" } },
    batchSize: 4,
    log: { steps: 1 },
  } as unknown as ConfigInput;
});
afterAll(() => rm(dir, { recursive: true }));

/** Starts a run and stops it after a few steps. */
async function stopped(workdir: string, what = config): Promise<string[]> {
  const stop = new AbortController();
  const lines: string[] = [];
  const line = (text: string) => {
    lines.push(text);
    if (text.startsWith("step 5/")) stop.abort();
  };
  const reporter = { line, status: () => undefined, terminal: false };
  const { interrupted } = await train(what, { workdir, signal: stop.signal, reporter });
  expect(interrupted).toBe(true);
  return lines;
}

/** Goes on with a run; what it says. */
async function goOn(workdir: string): Promise<string[]> {
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  await resume(workdir, { reporter: { line, status: () => undefined, terminal: false } });
  return lines;
}

/** Another image whose id falls into a split, and how to take it away again. */
async function addTo(split: string) {
  const name = Array.from({ length: 999 }, (_, i) => `more-${i}.png`).find(
    (candidate) => splitOf(`dark/${candidate}`, SHARES) === split,
  )!;
  const path = join(images, "dark", name);
  await copyFile(join(images, "dark", "0.png"), path);
  return { id: `dark/${name}`, [Symbol.asyncDispose]: () => rm(path) };
}

test("a split by hashing is recorded with its ids", async () => {
  const workdir = join(dir, "recorded");
  await stopped(workdir);
  const text = await readFile(join(workdir, "splits.json"), "utf8");
  const { rule, shares, splits } = JSON.parse(text) as SplitRecord;
  expect({ rule, shares }).toEqual({ rule: "hash of ids", shares: SHARES });
  expect(Object.keys(splits).sort()).toEqual(["test", "train", "validation"]);
  const all = Object.values(splits).flatMap(({ ids }) => ids!);
  expect(new Set(all).size).toBe(30);
  for (const [split, { ids, count }] of Object.entries(splits)) {
    expect(ids).toHaveLength(count);
    for (const id of ids!) expect(splitOf(id, SHARES)).toBe(split);
  }
});

test("a resumed run refuses other training images and tells of others that judge it", async () => {
  const workdir = join(dir, "changed");
  await stopped(workdir);
  {
    await using more = await addTo("train");
    await expect(resume(workdir)).rejects.toThrow(`1 new, such as ${more.id}`);
    await rm(join(images, "dark", splitted("train")));
    await expect(resume(workdir)).rejects.toThrow(
      `the data has changed since the run was stopped: train:`,
    );
    await expect(resume(workdir)).rejects.toThrow(`1 new, such as ${more.id}; 1 gone, such as`);
    await copyFile(join(images, "dark", splitted("test")), join(images, "dark", splitted("train")));
  }
  await using more = await addTo("test");
  const lines = await goOn(workdir);
  const told = lines.find((line) => line.includes("was stopped: test: "));
  expect(told).toContain(`1 new, such as ${more.id}; its values are of other images than before`);
});

/** The first dark image of a split. */
const splitted = (split: string): string =>
  Array.from({ length: 15 }, (_, i) => `${i}.png`).find(
    (name) => splitOf(`dark/${name}`, SHARES) === split,
  )!;

test("eval takes the run's own data, and says when it is not what it was", async () => {
  const workdir = join(dir, "judged");
  const { accuracy } = await train(config, { workdir });
  const evaluated = async (...args: string[]): Promise<EvalResult> => {
    const captured = await runCli(["eval", workdir, ...args, "--json"]);
    expect(captured.stderr).not.toContain("ocelli:");
    return lastJson<EvalResult>(captured);
  };
  expect(await evaluated()).toMatchObject({ split: "test", values: { accuracy }, notes: [] });
  expect((await evaluated("--split", "all")).notes).toEqual([
    expect.stringMatching(/^\d+ of these images were trained on$/),
  ]);
  await using more = await addTo("test");
  const { notes } = await evaluated();
  expect(notes).toEqual([expect.stringContaining(`1 new, such as ${more.id}`)]);
});

/** A configuration whose splits have their share of each class. */
const byClass = (): ConfigInput => ({
  ...config,
  data: { name: "folder", dir: images, splits: SHARES },
});

const readSplits = async (workdir: string): Promise<SplitRecord> =>
  JSON.parse(await readFile(join(workdir, "splits.json"), "utf8")) as SplitRecord;

test("splits have their share of each class, and eval says which image another has moved", async () => {
  const workdir = join(dir, "by-class");
  await train(byClass(), { workdir });
  const { rule, splits } = await readSplits(workdir);
  expect(rule).toBe("rank of hash in class");
  const dark = (ids: readonly string[]) => ids.filter((id) => id.startsWith("dark/")).length;
  expect(Object.entries(splits).map(([name, { ids }]) => [name, ids!.length, dark(ids!)])).toEqual(
    expect.arrayContaining([
      ["train", 18, 9],
      ["validation", 6, 3],
      ["test", 6, 3],
    ]),
  );
  const { notes: before } = lastJson<EvalResult>(await runCli(["eval", workdir, "--json"]));
  expect(before).toEqual([]);
  // one after another, until one of them lies within the test images' ranks
  const added: string[] = [];
  let notes: readonly string[] = [];
  while (!notes.some((note) => note.includes("moved to"))) {
    added.push(join(images, "dark", `added-${added.length}.png`));
    expect(added.length).toBeLessThan(20);
    await copyFile(join(images, "dark", "0.png"), added.at(-1)!);
    ({ notes } = lastJson<EvalResult>(await runCli(["eval", workdir, "--json"])));
  }
  await Promise.all(added.map((path) => rm(path)));
  expect(notes[0]).toMatch(/1 moved to \w+, such as dark\/\d+\.png, as others were added/);
});

test("a run from before the shares were of each class goes on, and is judged, with its own splits", async () => {
  const workdir = join(dir, "before");
  await stopped(workdir);
  const file = join(workdir, "config.json");
  const stored = JSON.parse(await readFile(file, "utf8")) as { data: { splitBy?: string } };
  delete stored.data.splitBy;
  await writeFile(file, JSON.stringify(stored));
  const before = await readSplits(workdir);
  await goOn(workdir);
  expect(await readSplits(workdir)).toEqual(before);
  const captured = await runCli(["eval", workdir, "--json"]);
  expect(lastJson<EvalResult>(captured)).toMatchObject({
    notes: [],
    examples: before.splits.test.count,
  });
});

test("a slice of folders is drawn by hash and says so; a run that took one by position goes on with it", async () => {
  const workdir = join(dir, "sliced");
  const [taken, kept] = ["all[:50%]", "all[50%:]"];
  const sliced = { ...config, split: taken, evals: { kept: { split: kept } } } as ConfigInput;
  const lines = await stopped(workdir, sliced);
  for (const [split, explicit] of [
    [taken, "all~[:50%]"],
    [kept, "all~[50%:]"],
  ]) {
    expect(lines.join("\n")).toContain(`${split}: the examples stand class by class, so the slice`);
    expect(lines.join("\n")).toContain(`as ${explicit} is`);
  }
  const file = join(workdir, "splits.json");
  const written = JSON.parse(await readFile(file, "utf8")) as SplitRecord;
  expect(written.slices).toBe("by hash");
  const classes = new Set(written.splits[taken].ids!.map((id) => id.split("/")[0]));
  expect(classes).toEqual(new Set(["dark", "light"]));

  // What a run recorded before slices were drawn: positions, and no word of how.
  const dataset = await openDataset({ name: "folder", dir: images, splits: SHARES });
  const open = (split: string) => openSplit(dataset, split, { slices: "by position" });
  const sources = new Map([
    [taken, await open(taken)],
    [kept, await open(kept)],
  ]);
  const { slices: _, ...before } = await recordSplits({ dataset, sources });
  expect(before.splits[taken].ids!.every((id) => id.startsWith("dark/"))).toBe(true);
  await writeFile(file, JSON.stringify({ ...before, slices: "by hash" }));
  await expect(resume(workdir)).rejects.toThrow("the data has changed since the run was stopped");
  await writeFile(file, JSON.stringify(before));
  expect((await goOn(workdir)).join("\n")).not.toContain("class by class");
  const { notes } = lastJson<EvalResult>(await runCli(["eval", workdir, "--json"]));
  expect(notes).toEqual([]); // what judges is still what was never trained on
});

test("data with splits of its own is recorded by counts and hashes", async () => {
  const workdir = join(dir, "given");
  const captured = await runCli([
    ...["train", "quickstart", "--engine=interpreter", "--duration.steps=1", "--batchSize=4"],
    ...["--split=train[:32]", "--evals.test.split=test[:8]", "--model.width=16"],
    ...["--model.depth=1", "--model.numHeads=2", "--model.patchSize=[14,14]"],
    ...["--workdir", workdir],
  ]);
  expect(captured.code).toBe(0);
  const text = await readFile(join(workdir, "splits.json"), "utf8");
  const { rule, splits } = JSON.parse(text) as SplitRecord;
  expect(rule).toBe("given");
  expect(Object.entries(splits).map(([name, { count, ids }]) => [name, count, ids])).toEqual([
    ["train[:32]", 32, undefined],
    ["test[:8]", 8, undefined],
  ]);
  expect(splits["test[:8]"].sha256).toMatch(/^[0-9a-f]{64}$/);
});
