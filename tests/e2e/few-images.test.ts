/** @file Two classes of three pictures, and of one: enough for everything. */

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { seededRandom } from "../../src/random.ts";
import type { SplitRecord } from "../../src/served/split-record.ts";
import type { TransferResult } from "../../src/transfer/classification/options.ts";
import { lastJson, runCli } from "./run-cli.ts";

let dir: string;
let three: string;
let model: string;

async function writePictures(folder: string, count: number): Promise<void> {
  for (const [name, colour] of [
    ["green", [60, 160, 70]],
    ["red", [190, 60, 60]],
  ] as const) {
    await mkdir(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const random = seededRandom(name, i);
      const pixels = Uint8Array.from({ length: 20 * 20 * 3 }, (_, k) => {
        return colour[k % 3] + random.integer(-50, 50);
      });
      const picture = sharp(pixels, { raw: { width: 20, height: 20, channels: 3 } });
      await picture.png().toFile(join(folder, name, `${i}.png`));
    }
  }
}

const SMALL = [
  ...["--engine=interpreter", "--duration.steps=2", "--batchSize=4", "--model.width=16"],
  ...["--model.depth=1", "--model.mlpDim=32", "--model.numHeads=2", "--model.patchSize=[8,8]"],
  "--preprocess.train=decode|resize(16)|value_range(-1,1)",
  "--preprocess.eval=decode|resize(16)|value_range(-1,1)",
];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-few-"));
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
  three = join(dir, "three");
  model = join(dir, "base");
  await writePictures(three, 3);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

test("train takes two classes of three pictures, and says that transfer would do better", async () => {
  const captured = await runCli(["train", "folder", "--data", three, ...SMALL, "--workdir", model]);
  expect(captured.code).toBe(0);
  expect(captured.stdout).toContain(
    `4 images of 2 classes are few for a model that begins with nothing; ` +
      `a trained one would do better: ocelli transfer --data ${three}`,
  );
  const text = await readFile(join(model, "splits.json"), "utf8");
  const { rule, splits } = JSON.parse(text) as SplitRecord;
  expect(rule).toBe("rank of hash in class");
  const classes = (ids: readonly string[] = []) => ids.map((id) => id.split("/")[0]).sort();
  expect(classes(splits.train.ids)).toEqual(["green", "green", "red", "red"]);
  expect(classes(splits.test.ids)).toEqual(["green", "red"]);
  expect(classes(splits.validation?.ids)).toEqual([]);
});

const transferTo = (name: string, data: string, ...more: string[]) =>
  runCli([
    ...["transfer", "--data", data, "--model", model, "--engine=interpreter"],
    ...["--workdir", join(dir, name), ...more],
  ]);

test.each(["linear", "fewshot", "knn"])(
  "%s learns from all of them, and each is judged by the others",
  async (method) => {
    const captured = await transferTo(method, three, "--method", method, "--json");
    expect(captured.stderr).toContain(
      "test    by cross-validation: a class has fewer than ten images",
    );
    const result = lastJson<TransferResult>(captured);
    expect(result).toMatchObject({ trainImages: 6, testImages: 6 });
    expect(Object.keys(result.evals)).toEqual(["cross-validation"]);
    expect(result.accuracy).toBeGreaterThan(0.8);
    expect((6 * result.accuracy!) % 1).toBeCloseTo(0, 6);
    if (method === "knn") return;
    expect(result.perClass.map(({ count }) => count)).toEqual([3, 3]);
    expect(result.ece).toBeLessThan(0.5);
    const evaluated = await runCli(["eval", join(dir, method), "--engine=interpreter"]);
    expect(evaluated.stdout).toContain("2 of these images were trained on");
    const picture = await runCli(["predict", join(dir, method), join(three, "red/0.png")]);
    expect(picture.stdout).toMatch(/0\.png {2}red/);
  },
);

test("fine-tuning keeps a picture of each class to judge by, and says that they are few", async () => {
  const more = ["--method=full", "--epochs=1", "--batch-size=2"];
  const captured = await transferTo("full", three, ...more);
  expect(captured.stdout).toContain("test    only 2 images judge: the accuracy is rough");
  expect(captured.code).toBe(0);
});

test("a part that was asked for judges, however small", async () => {
  const result = lastJson<TransferResult>(
    await transferTo("asked", three, "--test=test", "--json"),
  );
  expect(result).toMatchObject({ trainImages: 4, testImages: 2 });
  expect(Object.keys(result.evals)).toEqual(["test"]);
});

test("one picture of each class leaves a model, and no accuracy", async () => {
  const one = join(dir, "one");
  await writePictures(one, 1);
  const captured = await transferTo("single", one);
  expect(captured.stdout).toContain("accuracy  unknown: no class has a second image");
  const text = await readFile(join(dir, "single/result.json"), "utf8");
  expect(JSON.parse(text)).toMatchObject({ trainImages: 2, testImages: 0, evals: {} });
  const picture = await runCli(["predict", join(dir, "single"), join(one, "red/0.png")]);
  expect(picture.stdout).toMatch(/0\.png {2}red/);
});
