import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TrainResult } from "../../src/index.ts";
import { openMnist } from "../../src/data/classification/mnist.ts";
import { type HostArray, toNumbers } from "../../src/graph/index.ts";
import { toFlat } from "../../src/tree.ts";
import { readCheckpointFile } from "../../src/weights/checkpoint-file.ts";
import { TINY, lastJson, runCli } from "./run-cli.ts";

let dir: string;
let trained: TrainResult;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-e2e-"));
  const args = ["train", "quickstart", ...TINY, "--workdir", join(dir, "run"), "--json"];
  const captured = await runCli(args);
  expect(captured.stderr).not.toContain("ocelli:");
  expect(captured.code).toBe(0);
  trained = lastJson<TrainResult>(captured);
});
afterAll(() => rm(dir, { recursive: true }));

test("training prints its result as JSON and leaves a run folder", async () => {
  expect(trained).toMatchObject({ steps: 8, engine: "interpreter", interrupted: false });
  expect(trained.workdir).toBe(join(dir, "run"));
  expect(trained.accuracy).toBe(trained.evals.test.accuracy);
  expect(await readdir(trained.workdir)).toEqual([
    "augmented",
    "card.json",
    "checkpoint.safetensors",
    "checkpoints",
    "config.json",
    "environment.json",
    "events.tfevents",
    "images.json",
    "metrics.jsonl",
    "predictions.json",
    "report.html",
    "result.json",
    "splits.json",
  ]);
  expect(await readdir(join(trained.workdir, "augmented"))).toHaveLength(8);
  const text = await readFile(join(trained.workdir, "predictions.json"), "utf8");
  const { classes, confusion, mistakes } = JSON.parse(text) as {
    classes: string[];
    confusion: number[][];
    mistakes: { id: string; label: number; predicted: number; thumbnail: string }[];
  };
  expect(classes).toHaveLength(10);
  expect(confusion.flat().reduce((a, b) => a + b)).toBe(20);
  const right = confusion.reduce((sum, row, k) => sum + row[k], 0);
  expect(right / 20).toBeCloseTo(trained.accuracy!, 12);
  expect(mistakes).toHaveLength(20 - right);
  expect(mistakes[0].id).toMatch(/^mnist\/test\/\d+$/);
  expect(mistakes[0].thumbnail).toMatch(/^data:image\/png;base64,/);
  const lines = (await readFile(join(dir, "run", "metrics.jsonl"), "utf8")).trim().split("\n");
  const metrics = lines.map((line) => JSON.parse(line) as Record<string, number>);
  expect(metrics.slice(0, 8).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(metrics.at(-1)).toMatchObject({ step: 8, "test/accuracy": trained.accuracy });
});

test("the same seed gives the same run, another seed another", async () => {
  const again = async (name: string, seed: string) => {
    const args = [...TINY, "--seed", seed, "--workdir", join(dir, name), "--json"];
    expect((await runCli(["train", "quickstart", ...args])).code).toBe(0);
    return readFile(join(dir, name, "checkpoint.safetensors"));
  };
  const first = await readFile(join(dir, "run", "checkpoint.safetensors"));
  expect((await again("same", "0")).equals(first)).toBe(true);
  expect((await again("other", "1")).equals(first)).toBe(false);
});

test("a run may begin with the arrays of another", async () => {
  const args = ["--init", trained.workdir, "--duration.steps=1", "--optimizer.lr=0"];
  const workdir = join(dir, "continued");
  const captured = await runCli([
    "train",
    "quickstart",
    ...TINY.filter((flag) => !flag.includes("steps")),
    ...args,
    "--workdir",
    workdir,
    "--json",
  ]);
  expect(captured.stderr).not.toContain("ocelli:");
  const { loss } = lastJson<TrainResult>(captured);
  expect(loss).toBeCloseTo(trained.loss!, 6);
});

test("a run may begin with weights and a new classifier", async () => {
  const workdir = join(dir, "tuned");
  const args = ["--init.weights", trained.workdir, "--init.head", "drop", "--lr", "0"];
  args.push("--model.activation", "gelu");
  const { stdout, stderr, code } = await runCli([
    ...["train", "quickstart", ...TINY, ...args],
    ...["--duration", '{"steps":1}', "--workdir", workdir],
  ]);
  expect(stderr).not.toContain("ocelli:");
  expect(code).toBe(0);
  expect(stdout).toContain("head/kernel begins anew");
  expect(stdout).toContain(
    "the model has activation gelu, its weights were trained with gelu-tanh",
  );
  const [before, after] = [trained.workdir, workdir].map((run) =>
    toFlat<HostArray>(readCheckpointFile(join(run, "checkpoint.safetensors"), run).params),
  );
  expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
  for (const [name, array] of Object.entries(after)) {
    if (name.startsWith("head/")) expect(new Set(toNumbers(array)), name).toEqual(new Set([0]));
    else expect(array.data, name).toEqual(before[name].data);
  }
  expect(new Set(toNumbers(before["head/kernel"])).size).toBeGreaterThan(1);
});

test("prediction ranks the classes of image files", async () => {
  const source = await (await openMnist()).open("test");
  const { image } = await source.read(0);
  const file = join(dir, "digit.png");
  await sharp(image.data as Uint8Array, { raw: { width: 28, height: 28, channels: 1 } })
    .png()
    .toFile(file);
  const args = [trained.workdir, file, file, "--top-k", "2", "--engine=interpreter", "--json"];
  const captured = await runCli(["predict", ...args]);
  expect(captured.code).toBe(0);
  const { predictions } = lastJson<{ predictions: { image: string; ranked: object[] }[] }>(
    captured,
  );
  expect(predictions).toHaveLength(2);
  expect(predictions[0].ranked).toHaveLength(2);
  expect(predictions[0]).toEqual(predictions[1]);
});

test("without --json people read lines, and standard error stays empty", async () => {
  const captured = await runCli([
    "predict",
    trained.workdir,
    join(dir, "digit.png"),
    "--engine=interpreter",
  ]);
  expect(captured.stdout).toMatch(/digit\.png {2}\d \d+\.\d %, \d \d+\.\d %, \d \d+\.\d %\n/);
  expect(captured.stderr).toBe("");
});

test("a configuration file of one's own trains", async () => {
  const file = join(dir, "mine.ts");
  const recipe = join(import.meta.dirname, "../../recipes/quickstart.ts");
  await writeFile(
    file,
    `import base from ${JSON.stringify(recipe)};\nexport default { ...base, seed: 5 };\n`,
  );
  const workdir = join(dir, "mine");
  const captured = await runCli(["train", file, ...TINY, "--workdir", workdir, "--json"]);
  expect(captured.code).toBe(0);
  expect(JSON.parse(await readFile(join(workdir, "config.json"), "utf8"))).toMatchObject({
    seed: 5,
  });
});
