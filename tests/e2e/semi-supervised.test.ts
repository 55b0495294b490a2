/** @file Trainings of two streams: bit-exact resuming, batches of their own sizes, and clear errors. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../../src/config/config.ts";
import { withViews } from "../../src/preprocess/index.ts";
import { resume, train } from "../../src/train/train.ts";
import { metricsOf, smallConfig, statesOf, writeDigits } from "./small-run.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-semi-supervised-"));
  await writeDigits(dir, 64);
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

const VIEW = "random_shift(2)|resize(28)";
const TWO = withViews([VIEW, VIEW], { before: "" });
const resnet = { name: "resnet", depth: [1, 1], width: 0.125 };

const configOf = (steps: number, more: object = {}): ConfigInput =>
  smallConfig(dir, steps, {
    ...{ split: "train[:16]", batchSize: 8, model: resnet },
    unlabelled: { split: "train", batchSize: 12 },
    preprocess: { train: `${VIEW}|value_range(-1,1)`, eval: "resize(28)|value_range(-1,1)" },
    optimizer: { name: "momentum", lr: 0.05, momentum: 0.9 },
    ...{ log: { steps: 1 }, checkpoint: { every: { steps: 2 }, keep: 1 } },
    evals: { test: { split: "test" } },
    ...more,
  }) as ConfigInput;

test.each([
  ["s4l-rotation", {}, {}],
  [
    "s4l-exemplar",
    { outputs: 8 },
    { preprocess: { train: TWO, eval: "resize(28)|value_range(-1,1)" } },
  ],
  ["vat", { epsilon: 1, xi: 0.01, entropy: 0.3 }, {}],
  ["entropy-minimisation", {}, {}],
  [
    "pseudo-labels",
    { threshold: 0.2 },
    { unlabelled: { split: "train", batchSize: 12, preprocess: TWO } },
  ],
] as const)(
  "%s resumes to the bytes of an unbroken run of two streams",
  async (name, options, more) => {
    const config = configOf(6, { objective: { name, ...options }, ...more });
    const [whole, broken] = [join(dir, `whole-${name}`), join(dir, `broken-${name}`)];
    const { evals, headline } = await train(config, { workdir: whole });
    expect(headline?.metric).toBe("test/accuracy");
    const stop = new AbortController();
    const line = (text: string) => void (text.startsWith("step 3/") && stop.abort());
    const reporter = { terminal: false, line, status: () => undefined };
    const first = await train(config, { workdir: broken, reporter, signal: stop.signal });
    expect(first.interrupted).toBe(true);
    expect((await resume(broken)).evals).toEqual(evals);
    const metrics = await metricsOf(broken);
    expect(metrics).toEqual(await metricsOf(whole));
    expect(metrics[0]).toHaveProperty("unlabelledLoss");
    const states = await statesOf(broken);
    expect(states).toEqual(await statesOf(whole)); // the places in both streams included
    const [{ loop }] = Object.values(states) as [{ loop: { position: object } }];
    expect(loop.position).toMatchObject({ epoch: 2, index: 16, beside: { epoch: 1, index: 8 } });
    const bytes = (run: string) => readFile(join(run, "checkpoint.safetensors"));
    expect((await bytes(broken)).equals(await bytes(whole))).toBe(true);
  },
  120_000,
);

test("the loss without labels is added by its weight, and the second stream is on record", async () => {
  const same = { split: "train[:16]", unlabelled: { split: "train[:16]" } };
  const entropy = { name: "entropy-minimisation", weight: 0 };
  const together = configOf(2, { ...same, objective: entropy, model: { ...resnet } });
  const alone = configOf(2, { ...same, objective: { ...entropy, weight: 1 } });
  await train(together, { workdir: join(dir, "weight-0") });
  await train(alone, { workdir: join(dir, "weight-1") });
  const [[zero], [one]] = (await Promise.all(
    ["weight-0", "weight-1"].map((run) => metricsOf(join(dir, run))),
  )) as Record<string, number>[][];
  expect(zero.loss).toBe(zero.labelledLoss);
  expect(one.labelledLoss).toBe(zero.labelledLoss); // before any update
  expect(one.loss).toBeCloseTo(one.labelledLoss + one.unlabelledLoss, 5);
  const record = JSON.parse(await readFile(join(dir, "weight-1", "splits.json"), "utf8")) as {
    splits: Record<string, { count: number }>;
  };
  expect(record.splits).toMatchObject({ "unlabelled: train[:16]": { count: 16 } });
}, 60_000);

test("what does not fit is an error before the first step", async () => {
  const fails = (more: object) =>
    expect(train(configOf(2, more), { workdir: join(dir, "never") })).rejects;
  const entropy = { name: "entropy-minimisation" };
  await fails({ objective: entropy, unlabelled: undefined }).toThrow(
    "the objective entropy-minimisation needs unlabelled images. Name them as unlabelled",
  );
  await fails({ objective: { name: "classification" } }).toThrow(
    "the objective classification takes no unlabelled images. They are for s4l-rotation",
  );
  await fails({ objective: entropy, accumulate: 8, batchSize: 8 }).toThrow(
    "an unlabelled.batchSize of 12 does not divide into 8 parts (accumulate).",
  );
  const other = { split: "train", preprocess: "resize(14)|value_range(-1,1)" };
  await fails({ objective: entropy, unlabelled: other }).toThrow(
    "preprocess.train gives images of [28,28,1], unlabelled.preprocess of [14,14,1].",
  );
});

test("parts of both batches are accumulated", async () => {
  const objective = { name: "entropy-minimisation" };
  const model = {
    ...{ name: "vit", patchSize: [7, 7], width: 16, depth: 1, mlpDim: 16, numHeads: 2 },
  };
  const whole = configOf(2, { objective, model });
  await train(whole, { workdir: join(dir, "at-once") });
  await train({ ...whole, accumulate: 4 }, { workdir: join(dir, "in-parts") });
  const [once, parts] = (await Promise.all(
    ["at-once", "in-parts"].map((run) => metricsOf(join(dir, run))),
  )) as Record<string, number>[][];
  const steps = [...once.entries()].filter(([, values]) => "unlabelledLoss" in values);
  expect(steps).toHaveLength(2);
  for (const [i, { loss, unlabelledLoss }] of steps) {
    expect(parts[i].loss).toBeCloseTo(loss, 4);
    expect(parts[i].unlabelledLoss).toBeCloseTo(unlabelledLoss, 4);
  }
}, 60_000);
