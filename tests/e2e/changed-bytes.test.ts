/** @file What a run has noticed of its data outlasts a stop: images left out, and images whose bytes changed. */

import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DataProblemsSummary } from "../../src/data/problems.ts";
import { type ConfigInput, type TrainResult, resume, train } from "../../src/index.ts";
import { smallConfig, writeShades } from "./small-run.ts";

let dir: string;
const preprocess = "decode|resize(28)|grayscale|value_range(-1,1)";
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), "ocelli-bytes-"))));
afterAll(() => rm(dir, { recursive: true }));

/** Twelve training and six test pictures; two of the former are none. */
async function writeImages(name: string): Promise<string> {
  const images = join(dir, name);
  await writeShades(images, { train: 6, test: 3 });
  for (const label of ["dark", "light"]) {
    await writeFile(join(images, "train", label, "broken.png"), "no picture");
  }
  return images;
}

const configOf = (images: string) =>
  smallConfig(dir, 30, {
    data: { name: "folder", dir: images },
    preprocess: { train: preprocess, eval: preprocess },
    evals: { test: { split: "test", every: { steps: 1 } } },
    onBadImage: "skip",
    batchSize: 4,
    log: { steps: 1 },
    checkpoint: { every: { steps: 2 } },
  }) as ConfigInput;

/** Starts a run and stops it after some steps, when it has seen every image. */
async function stopped(images: string, workdir: string): Promise<void> {
  const stop = new AbortController();
  const line = (text: string) => void (text.startsWith("step 8/") && stop.abort());
  const reporter = { line, status: () => undefined, terminal: false };
  const begun = await train(configOf(images), { workdir, signal: stop.signal, reporter });
  expect(begun.interrupted).toBe(true);
}

async function goOn(workdir: string): Promise<{ lines: string[]; result: TrainResult }> {
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  const result = await resume(workdir, {
    reporter: { line, status: () => undefined, terminal: false },
  });
  return { lines: lines.filter((text) => text.startsWith("changed ")), result };
}

const left = async (workdir: string): Promise<Required<DataProblemsSummary>> =>
  JSON.parse(await readFile(join(workdir, "problems.json"), "utf8")) as never;

test("images that were left out before a stop stay counted, each once", async () => {
  const images = await writeImages("left-out");
  const workdir = join(dir, "left-out-run");
  await stopped(images, workdir);
  const before = await left(workdir);
  expect(before).toMatchObject({ count: 2 });
  // repaired, so that the rest of the run leaves nothing out
  for (const label of ["dark", "light"]) {
    const [good, broken] = ["0.png", "broken.png"].map((name) =>
      join(images, "train", label, name),
    );
    await copyFile(good, broken);
  }
  const { lines, result } = await goOn(workdir);
  const after = await left(workdir);
  expect({ ...after, pictures: before.pictures }).toEqual(before);
  const { plain } = after.pictures; // the pictures of this test are of one colour, the repaired ones too
  expect(plain.ids.toSorted()).toEqual(
    [...before.pictures.plain.ids, "train/dark/broken.png", "train/light/broken.png"].sort(),
  );
  expect(plain.count).toBe(plain.ids.length);
  expect(lines).toEqual([
    expect.stringContaining("2 images of train, such as train/dark/broken.png, have other bytes"),
  ]);
  expect(result.changedImages).toBe(2);
});

test("a picture that was replaced is named when the run goes on, in training and in evaluation", async () => {
  const images = await writeImages("replaced");
  const workdir = join(dir, "replaced-run");
  await stopped(images, workdir);
  for (const split of ["train", "test"]) {
    await copyFile(join(images, split, "dark/0.png"), join(images, split, "light/2.png"));
  }
  const { lines, result } = await goOn(workdir);
  const tail =
    "has other bytes than before the stop; numbers may differ from those of an unbroken run";
  expect(lines).toEqual([
    `changed train/light/2.png of train ${tail}`,
    `changed test/light/2.png of test ${tail}`,
  ]);
  expect(result.changedImages).toBe(2);
  const text = await readFile(join(workdir, "result.json"), "utf8");
  expect(JSON.parse(text)).toMatchObject({ changedImages: 2 });
});

test("data that stays as it is is not told of", async () => {
  const images = await writeImages("same");
  const workdir = join(dir, "same-run");
  await stopped(images, workdir);
  const { lines, result } = await goOn(workdir);
  expect(lines).toEqual([]);
  expect(result.changedImages).toBeUndefined();
  expect(await left(workdir)).toMatchObject({ count: 2 });
});

test("a picture that changes while the run lasts is named too", async () => {
  const images = await writeImages("meanwhile");
  const lines: string[] = [];
  const line = (text: string) => {
    lines.push(text);
    const copy = () =>
      copyFile(join(images, "train/dark/0.png"), join(images, "train/light/2.png"));
    if (text.startsWith("step 8/")) void copy();
  };
  const reporter = { line, status: () => undefined, terminal: false };
  const result = await train(configOf(images), { workdir: join(dir, "meanwhile-run"), reporter });
  expect(result.changedImages).toBe(1);
  expect(lines).toContain(
    "changed train/light/2.png of train has other bytes than when it was read before",
  );
});
