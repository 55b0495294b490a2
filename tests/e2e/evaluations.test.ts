/** @file Evaluators of every type in one training, each on its own schedule; the same by `ocelli eval`. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, type EvalResult, type TrainResult, train } from "../../src/index.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { smallConfig, writeDigits } from "./small-run.ts";

let dir: string;
let run: string;
let result: TrainResult;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-evaluations-"));
  run = join(dir, "run");
  await writeDigits(dir, 160); // 10 steps an epoch
  const evals = {
    probe: { type: "fewshot", split: "test", shots: [1, 5], seeds: [0], every: { epochs: 2 } },
    near: { type: "knn", split: "test", from: "train[:100]", k: 5, every: { percent: 50 } },
    sure: { type: "calibration", split: "test", every: { examples: 160 } },
    classes: { type: "per-class", split: "test", classes: ["3"] },
    test: { split: "test", every: { steps: 15 } },
  };
  const config = smallConfig(dir, 40, { evals }) as ConfigInput;
  result = await train(config, { workdir: run });
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

test("every evaluator runs on its own schedule and at the end", async () => {
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
  const steps: Record<string, number[]> = {};
  for (const line of lines) {
    const { step, ...values } = JSON.parse(line) as Record<string, number>;
    for (const name of Object.keys(values)) (steps[name] ??= []).push(step);
  }
  const measured = Object.entries(steps).filter(([name]) => name.includes("/"));
  expect(Object.fromEntries(measured)).toEqual({
    "probe/1shot-seed-0": [20, 40],
    "probe/5shot-seed-0": [20, 40],
    "near/knn5": [20, 40],
    "near/knn1": [20, 40],
    "sure/ece": [10, 20, 30, 40],
    "sure/brier": [10, 20, 30, 40],
    "classes/mean_class_recall": [40],
    "classes/recall/3": [40],
    "test/accuracy": [15, 30, 40],
    "test/ece": [15, 30, 40],
    "test/loss": [15, 30, 40],
  });
  expect(result.accuracy).toBe(result.evals.test.accuracy);
  expect(Object.keys(result.evals).sort()).toEqual(["classes", "near", "probe", "sure", "test"]);
});

test("ocelli eval gives the same of the run", async () => {
  const types = "knn,fewshot,calibration,per-class";
  const args = ["eval", run, "--type", types, "--from", "train[:100]", "--json"];
  const captured = await runCli(args);
  expect(captured.stderr).not.toContain("ocelli:");
  const found = lastJson<EvalResult>(captured);
  const { test: judged, sure, classes, near } = result.evals;
  expect(found.values.accuracy).toBe(judged.accuracy);
  expect(found.values.loss).toBeCloseTo(judged.loss, 5);
  expect(found.values.ece).toBeCloseTo(sure.ece, 5);
  expect(found.values.brier).toBeCloseTo(sure.brier, 5);
  expect(found.values.mean_class_recall).toBeCloseTo(classes.mean_class_recall, 10);
  expect(found.classes!.quality[3].recall).toBeCloseTo(classes["recall/3"], 10);
  expect(found.values.knn1).toBe(near.knn1);
  expect(Object.keys(found.values)).toContain("25shot-seed-2");
  expect(found.values.knn20).toBeGreaterThan(0);
});

test("an exported model gives what needs no features, and says so of what does", async () => {
  const file = join(dir, "model.onnx");
  expect((await runCli(["export", run, "--to", "onnx", "--out", file])).code).toBe(0);
  const captured = await runCli(["eval", file, "--data", dir, "--json"]);
  const found = lastJson<EvalResult>(captured);
  expect(found.values.accuracy).toBe(result.evals.test.accuracy);
  expect(found.values.ece).toBeCloseTo(result.evals.sure.ece, 5);
  const refused = await runCli(["eval", file, "--data", dir, "--type", "knn"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('the model has no head "embed"; it has logits.');
});

test.each([
  ["knm", 'unknown evaluation "knm"; valid: knn,'],
  ["calibration,recall", 'unknown evaluation "recall"; valid:'],
])("--type %s is refused", async (types, message) => {
  const { code, stderr } = await runCli(["eval", run, "--type", types]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
