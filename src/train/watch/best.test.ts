/** @file `best` and `patience`: the state that is served is the best by a value, and the result says so. */

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import quickstart from "../../../recipes/quickstart.ts";
import { BestWatch, planBest } from "./best.ts";
import type { ConfigInput } from "../../config/config.ts";
import { evaluateModelOn } from "../../served/evaluate.ts";
import type { HostArray } from "../../graph/index.ts";
import { loadTrained } from "../../served/trained.ts";
import { toFlat } from "../../tree.ts";
import { readCheckpointFile } from "../../weights/checkpoint-file.ts";
import { type TrainResult, resume, train } from "../train.ts";

const dir = await mkdtemp(join(tmpdir(), "ocelli-best-"));
afterAll(() => rm(dir, { recursive: true }));
const engine = "interpreter";

/** A training that becomes worse again: 24 images, learned by heart. */
const config: ConfigInput = {
  ...quickstart,
  split: "train[:24]",
  preprocess: { train: "value_range(-1,1)", eval: "value_range(-1,1)" },
  evals: {
    held: { split: "train[100:160]" },
    val: { split: "train[24:60]", every: { steps: 2 } },
  },
  batchSize: 8,
  duration: { steps: 40 },
  model: { name: "vit", patchSize: [14, 14], width: 16, depth: 1, mlpDim: 16, numHeads: 1 },
  objective: { name: "classification" },
  optimizer: { name: "adam", lr: 0.02 },
  checkpoint: { every: { steps: 4 } },
};

/** Losses of `val` by step, as they were measured while training. */
async function losses(workdir: string): Promise<Map<number, number>> {
  const lines = (await readFile(join(workdir, "metrics.jsonl"), "utf8")).trim().split("\n");
  const found = new Map<number, number>();
  for (const line of lines) {
    const { step, "val/loss": loss } = JSON.parse(line) as Record<string, number>;
    if (loss !== undefined && !found.has(step)) found.set(step, loss);
  }
  return found;
}

/** That a result is of the state with the least loss, and that this is the one that is served. */
async function expectBest({ best, workdir, evals, loss }: TrainResult): Promise<void> {
  const all = await losses(workdir);
  const least = Math.min(...all.values());
  expect(best!.metric).toBe("val/loss");
  expect(all.get(best!.step)).toBe(least);
  expect(best!.value).toBeCloseTo(least, 5);
  expect(evals.val.loss).toBe(best!.value);
  expect((await loadTrained(workdir)).card.step).toBe(best!.step);
  const split = "train[100:160]";
  const evaluated = await evaluateModelOn(workdir, undefined, { split, engine, types: [] });
  expect(evaluated.values.loss).toBeCloseTo(loss!, 5);
}

test("the best state is served, and all values are of it; a resumed run ends alike", async () => {
  const whole = await train(
    { ...config, best: "val/loss" },
    { workdir: join(dir, "whole"), engine },
  );
  expect(whole.steps).toBe(40);
  expect(whole.best!.step).toBeLessThan(38); // else this shows nothing
  await expectBest(whole);
  const last = await train(config, { workdir: join(dir, "last"), engine });
  expect(last.best).toBeUndefined();
  expect(last.evals.val.loss).toBeGreaterThan(whole.evals.val.loss);

  const stop = new AbortController();
  const line = (text: string): void => void (text.startsWith("step 30") && stop.abort());
  const reporter = { line, status: line, terminal: false };
  const workdir = join(dir, "stopped");
  const options = { workdir, engine, signal: stop.signal, reporter };
  expect((await train({ ...config, best: "val/loss" }, options)).interrupted).toBe(true);
  const resumed = await resume(workdir, { engine });
  expect({ ...resumed, seconds: 0, workdir: "" }).toEqual({ ...whole, seconds: 0, workdir: "" });
  await expectBest(resumed);
});

test("where an evaluation reads the objective, the best state keeps all that it owns beside what is served", async () => {
  const pretext: ConfigInput = {
    ...config,
    objective: { name: "rotation" },
    evals: { pretext: { type: "objective", split: "train[24:60]", every: { steps: 2 } } },
    best: "pretext/accuracy",
  };
  const whole = await train(pretext, { workdir: join(dir, "pretext"), engine });
  const { best, workdir, evals } = whole;
  expect(best!.step).toBeLessThan(38); // else this shows nothing
  expect(evals.pretext.accuracy).toBeCloseTo(best!.value, 6);
  const read = (name: string) => readCheckpointFile(join(workdir, name), name);
  const [kept, served] = [read("best.safetensors"), read("checkpoint.safetensors")];
  expect([kept.card.step, served.card.step]).toEqual([best!.step, best!.step]);
  const { "rotation/kernel": head, "rotation/bias": bias, ...own } = toFlat<HostArray>(kept.params);
  expect([head.shape, bias.shape]).toEqual([[16, 4], [4]]);
  expect(own).toEqual(toFlat<HostArray>(served.params));
  expect(existsSync(join(dir, "whole", "best.safetensors"))).toBe(false); // its evaluations read the model alone

  const stop = new AbortController();
  const line = (text: string): void => void (text.startsWith("step 30") && stop.abort());
  const reporter = { line, status: line, terminal: false };
  const stopped = join(dir, "pretext-stopped");
  const options = { workdir: stopped, engine, signal: stop.signal, reporter };
  expect((await train(pretext, options)).interrupted).toBe(true);
  const resumed = await resume(stopped, { engine });
  expect({ ...resumed, seconds: 0, workdir }).toEqual({ ...whole, seconds: 0 });
});

test("patience ends a training early, finished", async () => {
  const lines: string[] = [];
  const line = (text: string): void => void lines.push(text);
  const reporter = { line, status: () => undefined, terminal: false };
  const early = { ...config, best: "val/loss", patience: 3 };
  const result = await train(early, { workdir: join(dir, "early"), engine, reporter });
  expect(result.interrupted).toBe(false);
  expect(result.steps).toBe(result.best!.step + 6);
  expect(result.steps).toBeLessThan(40);
  expect(lines.at(-2)).toMatch(/^best {4}val\/loss [\d.]+ at step \d+ of \d+, no better one in 3/);
  await expectBest(result);
});

test("a value that is not there, and patience without one, are told", async () => {
  const names = ["test", "val"];
  expect(() => planBest({ best: "tset/loss" }, names)).toThrow("valid: test/loss, val/loss");
  expect(() => planBest({ patience: 3 }, names)).toThrow("--best test/loss");
  expect(() => planBest({ best: "val/size" }, names)).toThrow("neither more nor less is better");
  const watch = new BestWatch(planBest({ best: "val/accuracy" }, names), undefined);
  expect(watch.see("test", { accuracy: 1 }, 1)).toBe(false);
  expect(watch.see("val", { accuracy: 0.5 }, 1)).toBe(true);
  expect(watch.see("val", { accuracy: 0.5 }, 2)).toBe(false);
  expect(watch.state).toEqual({ value: 0.5, step: 1, since: 1 });
  expect(() => watch.see("val", { loss: 1 }, 3)).toThrow("val/loss");
});
