/** @file A run is known by the first evaluation of its configuration: unbroken, resumed, or as a trial of a sweep. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import quickstart from "../../recipes/quickstart.ts";
import { readRun } from "../runs/read.ts";
import type { ConfigInput } from "../config/config.ts";
import { sweep } from "../sweep/sweep.ts";
import { type TrainResult, resume, train } from "./train.ts";

const dir = await mkdtemp(join(tmpdir(), "ocelli-headline-"));
afterAll(() => rm(dir, { recursive: true }));

/** `near` has no accuracy, `last` is measured at the end alone, and `often` is measured first. */
const config: ConfigInput = {
  ...quickstart,
  split: "train[:64]",
  evals: {
    near: { type: "knn", split: "train[64:80]" },
    last: { split: "train[100:117]" },
    often: { split: "train[80:100]", every: { steps: 1 } },
  },
  batchSize: 8,
  duration: { steps: 6 },
  model: { name: "vit", patchSize: [14, 14], width: 8, depth: 1, mlpDim: 8, numHeads: 1 },
};
const engine = "interpreter";

/** What tells an evaluation on the 17 images of `last` from the others. */
async function expectLast(result: TrainResult): Promise<void> {
  expect(Object.keys(result.evals)).toEqual(["near", "last", "often"]);
  const { accuracy, loss, ece } = result;
  expect(result.evals.last).toEqual({ accuracy, loss, ece });
  expect(accuracy).not.toBe(result.evals.often.accuracy);
  const headline = { metric: "last/accuracy", value: accuracy, better: "higher" };
  expect(result.headline).toEqual(headline);
  expect(await readRun(result.workdir)).toMatchObject({ headline, loss, measured: "evaluation" });
  const text = await readFile(join(result.workdir, "predictions.json"), "utf8");
  const { confusion } = JSON.parse(text) as { confusion: number[][] };
  expect(confusion.flat().reduce((sum, count) => sum + count)).toBe(17);
}

test("an unbroken, a resumed and a swept run report the same evaluation", async () => {
  const unbroken = await train(config, { workdir: join(dir, "unbroken"), engine });
  await expectLast(unbroken);

  const stop = new AbortController();
  const line = (text: string): void => void (text.startsWith("step 2") && stop.abort());
  const reporter = { line, status: line, terminal: false };
  const workdir = join(dir, "stopped");
  const begun = await train(config, { workdir, engine, signal: stop.signal, reporter });
  expect(begun).toMatchObject({ interrupted: true, accuracy: undefined });
  const resumed = await resume(workdir, { engine });
  await expectLast(resumed);
  expect(resumed.evals).toEqual(unbroken.evals);

  const spec = { name: "s", base: { ...config }, grid: { seed: [quickstart.seed ?? 0] } };
  const swept = await sweep(spec, { workdir: join(dir, "sweep"), engine });
  const [{ folder, value, loss }] = swept.trials;
  expect({ value, loss }).toEqual({ value: unbroken.accuracy, loss: unbroken.loss });
  const text = await readFile(join(folder, "result.json"), "utf8");
  await expectLast(JSON.parse(text) as TrainResult);
  const often = await sweep({ ...spec, metric: "often/loss" }, { workdir: join(dir, "o"), engine });
  expect(often.trials[0].value).toBe(unbroken.evals.often.loss);
});
