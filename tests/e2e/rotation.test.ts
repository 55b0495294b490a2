/** @file Self-supervision from the command line: rotation prediction on pictures without labels, and what comes of it. */

import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/random.ts";
import { readRun } from "../../src/runs/read.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import rotation from "../../recipes/rotation.ts";
import { sweep } from "../../src/sweep/sweep.ts";
import type { TrainResult } from "../../src/train/train.ts";
import { readCheckpointFile } from "../../src/weights/checkpoint-file.ts";
import { toFlat } from "../../src/tree.ts";
import { lastJson, runCli } from "./run-cli.ts";

/** The kNN's accuracy must exceed that on the features of the same model before its first step by so much. */
const MARGIN = 0.2;

const SIDE = 12;
/** Figures that look another way in each of their rotations. */
const FIGURES = {
  corner: ["#....", "#....", "#....", "#####"],
  flag: ["####.", "####.", "#....", "#...."],
  arrow: ["..#..", ".###.", "#.#.#", "..#.."],
  cup: ["#...#", "#...#", "#...#", "#####"],
} as const;

let dir: string;
let pictures: string;
let labelled: string;

/** A bright figure at some place of a dark ground, both with noise. */
async function draw(file: string, rows: readonly string[], seed: string): Promise<void> {
  const random = seededRandom("figure", seed);
  const [left, top] = [random.integer(1, 7), random.integer(1, 8)];
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, k) => {
    const [x, y] = [Math.floor(k / 3) % SIDE, Math.floor(k / 3 / SIDE)];
    const isInk = rows[y - top]?.[x - left] === "#";
    return (isInk ? 200 : 50) + random.integer(-40, 40);
  });
  await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .png()
    .toFile(file);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-rotation-"));
  pictures = join(dir, "pictures");
  labelled = join(dir, "labelled");
  await mkdir(join(pictures, "more"), { recursive: true });
  for (const [name, rows] of Object.entries(FIGURES)) {
    for (let i = 0; i < 240; i++) {
      await draw(
        join(pictures, i < 120 ? "" : "more", `${name[0]}${i}-${name.length}.png`),
        rows,
        `${name} ${i}`,
      );
    }
    for (const [split, count] of [
      ["train", 40],
      ["test", 25],
    ] as const) {
      const into = join(labelled, split, name);
      await mkdir(into, { recursive: true });
      for (let i = 0; i < count; i++)
        await draw(join(into, `${i}.png`), rows, `${split} ${name} ${i}`);
    }
  }
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

const PLAIN = "decode|resize(12)|value_range(-1,1)"; // a size, which embed and transfer need
const flags = (data = pictures): string[] => [
  ...["rotation", "--data", data, "--engine", "ort"],
  ...["--preprocess.train", PLAIN.replace("|", "|random_shift(2)|"), "--preprocess.eval", PLAIN],
  ...["--model.patchSize", "[3,3]"],
  ...["--model.width", "32", "--model.depth", "2", "--model.mlpDim", "64", "--model.numHeads", "4"],
  ...["--batchSize", "64", "--log.steps", "20"],
];
const judged = [
  ...["--evals.near.type", "knn", "--evals.near.split", "test", "--evals.near.from", "train"],
  ...["--evals.near.data.name", "folder", "--evals.near.data.dir"],
];
const train = async (...args: string[]): Promise<TrainResult> => {
  const called = await runCli(["train", ...args, "--json"]);
  expect(called.code, called.stderr).toBe(0);
  return lastJson<TrainResult>(called);
};

test("features of rotation prediction are better than random ones", async () => {
  const near = [...judged, labelled];
  const pretext = ["--evals.pretext.type", "objective", "--evals.pretext.split", "test"];
  const few = [
    ...["--evals.few.type", "fewshot", "--evals.few.split", "test", "--evals.few.from", "train"],
    ...["--evals.few.data.name", "folder", "--evals.few.data.dir", labelled],
    ...["--evals.few.shots", "[10]", "--evals.few.seeds", "[0]"],
  ];
  const random = await train(
    ...[...flags(), ...near, ...few, ...pretext, "--lr", "0", "--duration.steps", "1"],
    ...["--workdir", join(dir, "random")],
  );
  const run = join(dir, "run");
  const learned = await train(
    ...flags(),
    ...near,
    ...few,
    ...pretext,
    "--duration.epochs",
    "30",
    "--lr",
    "3e-3",
    "--workdir",
    run,
  );
  expect(learned.evals.pretext.accuracy).toBeGreaterThan(0.5);
  expect(learned.evals.near.knn20).toBeGreaterThan(random.evals.near.knn20 + MARGIN);
  expect(learned.headline).toEqual({
    metric: "near/knn20",
    value: learned.evals.near.knn20,
    better: "higher",
  });
  expect(await readRun(run)).toMatchObject({ headline: learned.headline, state: "finished" });

  const checkpoint = readCheckpointFile(join(run, "checkpoint.safetensors"), "it");
  expect(
    Object.keys(toFlat(checkpoint.params)).filter((name) => name.startsWith("rotation")),
  ).toEqual([]);
  const report = await readFile(join(run, "report.html"), "utf8");
  expect(report).toContain("knn20");
  expect(report).not.toMatch(/<h2 id="(confusion|mistakes)-title">/);
  const { stdout: listed } = await runCli(["runs", dir]);
  expect(listed).toMatch(/knn20/);

  const picture = join(pictures, "c0-6.png");
  const out = join(dir, "features.jsonl");
  expect((await runCli(["predict", run, picture, "--out", out, "--engine", "ort"])).code).toBe(0);
  const [line] = (await readFile(out, "utf8")).trim().split("\n");
  const { kind, features } = JSON.parse(line) as { kind: string; features: number[] };
  expect(kind).toBe("features");
  expect(features).toHaveLength(32);
  const onnx = join(dir, "model.onnx");
  expect((await runCli(["export", run, "--to", "onnx", "--out", onnx])).code).toBe(0);
  const exported = lastJson<{ predictions: { features: number[] }[] }>(
    await runCli(["predict", onnx, picture, "--json", "--engine", "ort"]),
  );
  exported.predictions[0].features.forEach((x, i) => expect(x).toBeCloseTo(features[i], 4));

  const evaluated = await runCli([
    ...["eval", run, "--data", labelled, "--type", "knn", "--engine", "ort", "--json"],
  ]);
  expect(lastJson<{ values: { knn20: number } }>(evaluated).values.knn20).toBeCloseTo(
    learned.evals.near.knn20,
    2,
  );
  const embedded = await runCli([
    "embed",
    run,
    pictures,
    "--out",
    join(dir, "f.parquet"),
    "--json",
  ]);
  expect(lastJson<{ count: number; features: number }>(embedded)).toMatchObject({
    count: 960,
    features: 32,
  });
  const taught = await runCli([
    ...["transfer", "--data", labelled, "--model", run, "--workdir", join(dir, "taught"), "--json"],
  ]);
  expect(lastJson<{ accuracy: number }>(taught).accuracy).toBeGreaterThan(0.4);
}, 300_000);

test("what pictures without labels cannot be used for is refused in a line", async () => {
  const classify = await runCli(["train", "folder", "--data", pictures, "--engine", "ort"]);
  expect(classify.stderr).toContain("has only one class: more.");
  const flat = join(dir, "flat");
  await mkdir(flat);
  await copyFile(join(pictures, "c0-6.png"), join(flat, "0.png"));
  const { stderr } = await runCli(["train", "folder", "--data", flat]);
  expect(stderr).toContain("1 images and 0 other files, but no folders");
  const near = ["--evals.near.type", "knn", "--evals.near.split", "test"];
  const own = await runCli([
    "train",
    ...flags(),
    ...near,
    "--duration.steps",
    "1",
    "--workdir",
    join(dir, "x"),
  ]);
  expect(own.stderr).toContain("knn needs labelled examples; these have no labels.");
  expect(existsSync(join(dir, "x"))).toBe(false);
});

test("a sweep compares by the headline; a stopped run opens by its newest state", async () => {
  const data = { name: "folder", dir: labelled } as const;
  const result = await sweep(
    {
      name: "seeds",
      base: {
        ...rotation,
        data: { name: "folder", dir: pictures },
        preprocess: { train: PLAIN, eval: PLAIN },
        model: { ...rotation.model, width: 32, depth: 1, numHeads: 4 },
        duration: { steps: 4 },
        checkpoint: { every: { steps: 2 } },
        evals: { near: { type: "knn", split: "test", from: "train", data } },
      },
      grid: { seed: [0, 1] },
    },
    { workdir: join(dir, "sweep"), engine: "ort" },
  );
  expect(result.metric).toBe("knn20");
  expect(result.trials).toHaveLength(2);
  expect(result.trials[0].value).toBeGreaterThanOrEqual(result.trials[1].value);

  const [{ folder }] = result.trials;
  const stopped = join(dir, "stopped");
  await mkdir(join(stopped, "checkpoints"), { recursive: true });
  for (const file of ["card.json", "config.json", "splits.json", "environment.json"]) {
    await copyFile(join(folder, file), join(stopped, file));
  }
  const [newest] = (await readdir(join(folder, "checkpoints"))).sort().reverse();
  await copyFile(join(folder, "checkpoints", newest), join(stopped, "checkpoints", newest));
  const picture = join(pictures, "c0-6.png");
  const open = (run: string) => runCli(["predict", run, picture, "--json", "--engine", "ort"]);
  const [whole, part] = [await open(folder), await open(stopped)];
  expect(part.stderr).toContain(`${stopped} has not finished: its state after step 4 is taken`);
  expect(lastJson(part)).toEqual(lastJson(whole));
  const predictor = await loadPredictor(stopped, { engine: "interpreter" });
  expect(predictor.card.step).toBe(4);
  await predictor.dispose();
}, 120_000);
