/** @file Collapse is said where it is provoked, such as SimSiam without its stop-gradient, and not elsewhere. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../../src/config/config.ts";
import { withViews } from "../../src/preprocess/index.ts";
import { train } from "../../src/train/train.ts";
import { metricsOf, smallConfig, writeDigits } from "./small-run.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-collapse-"));
  await writeDigits(dir, 64);
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

const STEPS = 80;
const VIEW = "random_shift(2)|resize(28)";

const RESNET = { name: "resnet", depth: [1, 1], width: 0.125 };
const VIT = {
  ...{ name: "vit", patchSize: [7, 7], width: 64, depth: 2, mlpDim: 128, numHeads: 4 },
  ...{ posemb: "sincos2d", poolType: "gap" },
};

let runs = 0;

/** The notes of collapse and the metrics of a run of so many steps. */
async function runOf(steps: number, parts: object) {
  const config = smallConfig(dir, steps, {
    model: VIT,
    preprocess: {
      train: withViews([VIEW, VIEW], { before: "" }),
      eval: "resize(28)|value_range(-1,1)",
    },
    batchSize: 32,
    evals: { near: { type: "knn", split: "test", from: "train" } },
    ...{ log: { steps: 1 }, checkpoint: {} },
    ...parts,
  }) as ConfigInput;
  const workdir = join(dir, `run-${runs++}`);
  const lines: string[] = [];
  const reporter = {
    terminal: false,
    line: (text: string) => void lines.push(text),
    status: () => undefined,
  };
  await train(config, { workdir, reporter });
  const all = (await metricsOf(workdir)) as Record<string, number>[];
  const trained = all.filter(({ outputRank }) => outputRank !== undefined);
  expect(trained).toHaveLength(steps);
  const notes = lines.filter((line) => line.startsWith("collapsed at step"));
  return { notes, trained, last: trained.at(-1)! };
}

/** The same of SimSiam, differing in the stop-gradient alone. */
async function runWith(stopGradient: boolean) {
  const found = await runOf(STEPS, {
    objective: { name: "simsiam", outputs: 32, hidden: 8, stopGradient },
    model: RESNET,
    optimizer: { name: "momentum", lr: 0.2, momentum: 0.9 },
  });
  return { ...found, ranks: found.trained.map(({ outputRank }) => outputRank) };
}

test("SimSiam without the stop-gradient collapses, and the training says so once; with it, it does not", async () => {
  const healthy = await runWith(true);
  expect(healthy.notes).toEqual([]);
  expect(Math.min(...healthy.ranks)).toBeGreaterThan(2);
  const collapsed = await runWith(false);
  expect(collapsed.notes).toHaveLength(1);
  expect(collapsed.notes[0]).toMatch(
    /^collapsed at step \d+, outputs: their rank is 1\.\d\d, and 1 is a line\./,
  );
  // the loss alone would seem better
  expect(collapsed.last.loss).toBeLessThan(healthy.last.loss);
  expect(Math.max(...collapsed.ranks.slice(-20))).toBeLessThan(1.5);
}, 120_000);

const prototypes = { outputs: 64, hidden: 128, bottleneck: 64 };
const clusters = { prototypes: 12, hidden: 32, outputs: 16 };
/** A centre that never leaves 0 lets one prototype take all. */
const uncentred = { momentum: 0.9, centreMomentum: 0.9999999 };
const centred = { momentum: 0.98, centreMomentum: 0.8, teacherTemperature: 0.02 };

/** Each with what collapses it, and the rate. */
const PROVOKED: [name: string, lr: number, model: object, healthy: object, provoked: object][] = [
  ["dino", 3e-5, RESNET, { ...prototypes, ...centred }, { ...prototypes, ...uncentred }],
  ["ibot", 5e-5, VIT, { ...prototypes, ...centred }, { ...prototypes, ...uncentred }],
  // codes that are equal for all, as sharpness is what tells them apart
  [
    "swav",
    0.01,
    VIT,
    { ...clusters, frozenSteps: 0 },
    { ...clusters, frozenSteps: 0, epsilon: 100 },
  ],
  [
    "msn",
    0.02,
    VIT,
    clusters,
    { ...clusters, sinkhorn: false, entropyWeight: 0, targetTemperature: 1, momentum: 0 },
  ],
];

test.each(PROVOKED)(
  "%s says so where what keeps it from collapse is taken away",
  async (name, lr, model, healthy, provoked) => {
    const steps = 160;
    const optimizer = { name: "adam", lr };
    const whole = await runOf(steps, { model, optimizer, objective: { name, ...healthy } });
    expect(whole.notes).toEqual([]);
    expect(whole.last.outputDeviation).toBeGreaterThan(0.07);
    const broken = await runOf(steps, { model, optimizer, objective: { name, ...provoked } });
    expect(broken.notes).toHaveLength(1);
    expect(broken.notes[0]).toMatch(/^collapsed at step \d+, outputs: their deviation is 0\.0\d\d/);
    expect(broken.last.outputDeviation).toBeLessThan(0.05);
  },
  240_000,
);

test("supervised contrast says so at a rate that is far too high", async () => {
  const objective = { name: "supcon", hidden: 32, outputs: 16 };
  const runAt = (lr: number) => runOf(60, { objective, optimizer: { name: "adam", lr } });
  const healthy = await runAt(3e-4);
  expect(healthy.notes).toEqual([]);
  const collapsed = await runAt(0.05);
  expect(collapsed.notes).toHaveLength(1);
}, 120_000);
