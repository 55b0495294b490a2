/** @file Self-supervised objectives through the loop: teachers, queues, statistics and centres resume to the last bit. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../../src/config/config.ts";
import { withViews } from "../../src/preprocess/index.ts";
import { resume, train } from "../../src/train/train.ts";
import { readCheckpointFile, readStateFile } from "../../src/weights/checkpoint-file.ts";
import { toFlat } from "../../src/tree.ts";
import type { ProbedModel } from "../../src/transfer/classification/compare.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { metricsOf, smallConfig, writeDigits, writeShades } from "./small-run.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-self-supervised-"));
  await writeDigits(dir, 64);
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

test("ocelli probe compares runs on labelled pictures", async () => {
  const shades = join(dir, "shades");
  await writeShades(shades, { train: 12, test: 6 });
  const config = smallConfig(dir, 1, {
    ...{ data: { name: "folder", dir: shades }, objective: { name: "rotation" } },
    ...{ model: resnet, preprocess: { train: SHADES, eval: SHADES } },
    evals: { pretext: { type: "objective", split: "test" } },
  }) as ConfigInput;
  const runs = [join(dir, "probed-0"), join(dir, "probed-1")];
  for (const [seed, workdir] of runs.entries()) await train({ ...config, seed }, { workdir });
  const called = await runCli(["probe", ...runs, "--data", shades, "--engine", "ort", "--json"]);
  expect(called.code, called.stderr).toBe(0);
  const { models } = lastJson<{ models: ProbedModel[] }>(called);
  expect(models.map(({ model }) => model)).toEqual(runs);
  for (const probed of models) {
    // pictures of two shades: every model tells them apart
    const { knn20, knn1, linear, ridge, clusterAccuracy, nmi, testImages } = probed;
    expect({ knn20, knn1, linear, ridge, clusterAccuracy, testImages }).toEqual({
      ...{ knn20: 1, knn1: 1, linear: 1, ridge: 1, clusterAccuracy: 1, testImages: 12 },
    });
    expect(nmi).toBeCloseTo(1, 10);
  }
  const lines = called.stderr.split("\n");
  expect(lines.filter((line) => line.startsWith("model "))).toEqual(
    runs.map((run) => `model   ${run}`),
  );
  const judges = "test    only 12 images judge: the accuracy is rough";
  expect(lines.filter((line) => line === judges)).toHaveLength(1); // of the data, not of each model
  const none = await runCli(["probe", runs[0]]);
  expect(none.code).toBe(2);
}, 120_000);

const SHADES = "decode|resize(8)|value_range(-1,1)";
const VIEW = "random_shift(2)|resize(28)";
const SMALL = "random_resized_crop(14,20,60)";
const resnet = { name: "resnet", depth: [1, 1], width: 0.125 };
const vit = {
  ...{ name: "vit", patchSize: [7, 7], width: 16, depth: 1, mlpDim: 16, numHeads: 2 },
  ...{ posemb: "sincos2d", poolType: "tok" },
};
const head = { hidden: 8, outputs: 8 };

test.each([
  ["byol", { ...head }, resnet, [VIEW, VIEW]],
  ["moco", { ...head, queue: 32 }, resnet, [VIEW, VIEW]],
  ["swav", { ...head, prototypes: 6, queue: 32, frozenSteps: 2 }, resnet, [VIEW, VIEW, SMALL]],
  ["ibot", { ...head, bottleneck: 8, koLeo: 0.1 }, vit, [VIEW, VIEW, SMALL]],
  ["mae", { decoder: { width: 16, depth: 1, numHeads: 2 } }, vit, [VIEW]],
] as const)(
  "%s resumes to the bytes of an unbroken run, and serves features",
  async (name, options, model, views) => {
    const config = smallConfig(dir, 6, {
      ...{ objective: { name, ...options }, model },
      preprocess: {
        train: withViews(views, { before: "" }),
        eval: "resize(28)|value_range(-1,1)",
      },
      optimizer: { name: "lars", lr: 0.1, wd: 1e-4, averageDecay: 0.9 },
      ...{ log: { steps: 1 }, checkpoint: { every: { steps: 2 }, keep: 1 } },
      evals: { near: { type: "knn", split: "test", from: "train" } },
    }) as ConfigInput;
    const [whole, broken] = [join(dir, `whole-${name}`), join(dir, `broken-${name}`)];
    const { evals, headline } = await train(config, { workdir: whole });
    expect(headline?.metric).toBe("near/knn20");
    const stop = new AbortController();
    const line = (text: string) => void (text.startsWith("step 3/") && stop.abort());
    const reporter = { terminal: false, line, status: () => undefined };
    const first = await train(config, { workdir: broken, reporter, signal: stop.signal });
    expect(first.interrupted).toBe(true);
    expect((await resume(broken)).evals).toEqual(evals);
    const metrics = await metricsOf(broken);
    expect(metrics).toEqual(await metricsOf(whole));
    expect(metrics[0]).toHaveProperty("featureDeviation");
    const bytes = (run: string) => readFile(join(run, "checkpoint.safetensors"));
    expect((await bytes(broken)).equals(await bytes(whole))).toBe(true);
    const arrays = (run: string) => {
      const state = readStateFile(join(run, "checkpoints/step-000000006.safetensors"));
      return Promise.all(
        Object.entries(state.arrays).map(async ([key, it]) => [key, await it.read()]),
      );
    };
    expect(await arrays(broken)).toEqual(await arrays(whole)); // teacher, queue and optimiser included
    const served = readCheckpointFile(join(whole, "checkpoint.safetensors"), "it");
    const names = Object.keys({ ...toFlat(served.params), ...toFlat(served.variables) });
    expect(
      names.filter((one) =>
        /teacher|state|projector|head_|decoder|prototypes|mask_token/.test(one),
      ),
    ).toEqual([]);
  },
  120_000,
);
