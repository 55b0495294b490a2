/** @file Collapse is said where it is provoked: SimSiam without its stop-gradient, and not with it. */

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

/** The lines and metrics of a run that differs in the stop-gradient alone. */
async function runWith(stopGradient: boolean) {
  const config = smallConfig(dir, STEPS, {
    objective: { name: "simsiam", outputs: 32, hidden: 8, stopGradient },
    model: { name: "resnet", depth: [1, 1], width: 0.125 },
    preprocess: {
      train: withViews([VIEW, VIEW], { before: "" }),
      eval: "resize(28)|value_range(-1,1)",
    },
    batchSize: 32,
    optimizer: { name: "momentum", lr: 0.2, momentum: 0.9 },
    evals: { near: { type: "knn", split: "test", from: "train" } },
    ...{ log: { steps: 1 }, checkpoint: {} },
  }) as ConfigInput;
  const workdir = join(dir, `stops-${stopGradient}`);
  const lines: string[] = [];
  const reporter = {
    terminal: false,
    line: (text: string) => void lines.push(text),
    status: () => undefined,
  };
  await train(config, { workdir, reporter });
  const steps = (await metricsOf(workdir)) as Record<string, number>[];
  const trained = steps.filter(({ outputRank }) => outputRank !== undefined);
  expect(trained).toHaveLength(STEPS);
  const notes = lines.filter((line) => line.startsWith("collapsed at step"));
  return { notes, ranks: trained.map(({ outputRank }) => outputRank), last: trained.at(-1)! };
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
