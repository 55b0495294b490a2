/** @file The loop trains with every objective, and a resumed run gives what an unbroken run gives. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../../src/config/config.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import { resume, train } from "../../src/train/train.ts";
import { metricsOf, smallConfig, writeDigits } from "./small-run.ts";

const STEPS = 12;
const small = {
  batchSize: 16,
  log: { steps: 1 },
  checkpoint: { every: { steps: 5 }, keep: 1 },
  evals: { test: { split: "test" } },
};

let dir: string;
const config = (more: object): ConfigInput =>
  smallConfig(dir, STEPS, { ...small, ...more }) as ConfigInput;
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-objectives-"));
  await writeDigits(dir);
  await train(config({ objective: { name: "classification" } }), { workdir: at("teacher") });
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

const FLEXIBLE = {
  name: "flexivit",
  patchSize: [7, 7],
  posembSize: [4, 4],
  width: 32,
  depth: 2,
  mlpDim: 64,
  numHeads: 2,
};
const SIZES = { seqhw: [2, 4, 7], weights: [1, 1, 2] };
const CASES: Readonly<Record<string, () => object>> = {
  consistent: () => ({
    objective: { name: "distillation", teacher: at("teacher"), temperature: 2, mixup: { p: 1 } },
  }),
  fixed: () => ({
    preprocess: {
      train: "copy(image, clean)|random_shift(2)|value_range(-1,1)|value_range(-1,1, key=clean)",
      eval: "value_range(-1,1)",
    },
    objective: {
      name: "distillation",
      teacher: at("teacher"),
      teacherImage: "clean",
      targets: "hard",
      fixed: true,
    },
    accumulate: 2,
  }),
  flexible: () => ({
    model: { ...FLEXIBLE, flexi: SIZES },
    objective: { name: "classification" },
    evals: { four: { split: "test" }, seven: { split: "test", model: { seqhw: 7 } } },
  }),
  "flexible student": () => ({
    model: { ...FLEXIBLE, flexi: SIZES },
    objective: { name: "distillation", teacher: at("teacher") },
  }),
};

test.each(Object.keys(CASES))("%s: trains, resumes bit by bit, predicts", async (name) => {
  const given = config(CASES[name]());
  const whole = at(`${name} whole`);
  const { evals } = await train(given, { workdir: whole });
  const stop = new AbortController();
  const reporter = {
    terminal: false,
    line: (text: string) => {
      if (text.includes("step 7/")) stop.abort();
    },
    status: () => undefined,
  };
  const broken = at(`${name} broken`);
  const first = await train(given, { workdir: broken, reporter, signal: stop.signal });
  expect(first.interrupted).toBe(true);
  expect(first.steps).toBeLessThan(STEPS);
  const second = await resume(broken);
  expect(second.evals).toEqual(evals);
  expect(await metricsOf(broken)).toEqual(await metricsOf(whole));
  const served = (run: string) => readFile(join(run, "checkpoint.safetensors"));
  expect((await served(broken)).equals(await served(whole))).toBe(true);
  const predictor = await loadPredictor(whole);
  expect(predictor.card.names.label).toHaveLength(10);
  await predictor.dispose();
});

const distilled = (more: object) => ({
  objective: { name: "distillation", teacher: at("teacher"), ...more },
});

test.each<[string, () => object]>([
  ['unknown key "model.flexi"', () => ({ model: { name: "vit", variant: "Ti/7", flexi: SIZES } })],
  [
    'unknown option of vit "seqhw"',
    () => ({ evals: { test: { split: "test", model: { seqhw: 2 } } } }),
  ],
  [
    "an image of 28×28 has no grid of 40 patches.",
    () => ({ model: { ...FLEXIBLE, flexi: { seqhw: [4, 40] } } }),
  ],
  ["there is no checkpoint at", () => distilled({ teacher: at("none") })],
  [
    'was trained with other names of label than the data has, or in another order: "ten".',
    () => ({
      ...distilled({}),
      data: { name: "npz", dir, classes: [..."012345678", "ten"] },
    }),
  ],
  [
    "objective.teacherImage: the pixels of clean are not scaled. Add an operation such as value_range",
    () => ({
      ...distilled({ teacherImage: "clean" }),
      preprocess: {
        train: "copy(image, clean)|value_range(-1,1)",
        eval: "value_range(-1,1)",
      },
    }),
  ],
  [
    'objective.teacherImage: a batch has no "clean". Add copy(image, clean) to preprocess.train.',
    () => distilled({ teacherImage: "clean" }),
  ],
  [
    'unknown key "objective.temprature"; valid: objective.temperature',
    () => distilled({ temprature: 2 }),
  ],
])("%s", async (message, more) => {
  await expect(train(config(more()), { workdir: at("never") })).rejects.toThrow(message);
});
