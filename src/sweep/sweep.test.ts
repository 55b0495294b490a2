import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import quickstart from "../../recipes/quickstart.ts";
import { type Sweep, showSettings, sweep, sweepTrials } from "./sweep.ts";

const dir = await mkdtemp(join(tmpdir(), "ocelli-sweep-"));
afterAll(() => rm(dir, { recursive: true }));

const plain: Sweep = {
  name: "s",
  base: {},
  grid: {},
  random: {},
  trials: 1,
  seed: 0,
  metric: "accuracy",
  maximize: true,
};

test("a grid gives every combination", () => {
  const trials = sweepTrials({ ...plain, grid: { lr: [1, 2], width: [3, 4] }, trials: 5 });
  expect(trials.map(showSettings)).toEqual([
    "lr 1 · width 3",
    "lr 1 · width 4",
    "lr 2 · width 3",
    "lr 2 · width 4",
  ]);
});

test("random settings stay in their ranges, and depend on the seed alone", () => {
  const random = {
    lr: { min: 1e-4, max: 1e-2, log: true, integer: false },
    width: { min: 2, max: 4, log: false, integer: true },
    loss: ["softmax", "sigmoid"],
  };
  const trials = sweepTrials({ ...plain, random, trials: 200 });
  expect(sweepTrials({ ...plain, random, trials: 200 })).toEqual(trials);
  expect(sweepTrials({ ...plain, random, trials: 200, seed: 1 })).not.toEqual(trials);
  const rates = trials.map(({ lr }) => Number(lr));
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
  expect(Math.max(...rates)).toBeLessThanOrEqual(1e-2);
  const small = rates.filter((rate) => rate < 1e-3).length; // half of them, on a logarithmic scale
  expect(small).toBeGreaterThan(70);
  expect(small).toBeLessThan(130);
  expect(new Set(trials.map(({ width }) => width))).toEqual(new Set([2, 3, 4]));
  expect(new Set(trials.map(({ loss }) => loss))).toEqual(new Set(random.loss));
});

const tiny = {
  name: "tiny",
  base: {
    ...quickstart,
    split: "train[:64]",
    evals: { validation: { split: "train[64:96]" } },
    batchSize: 8,
    duration: { steps: 4 },
    model: { name: "vit", patchSize: [14, 14], width: 8, depth: 1, mlpDim: 8, numHeads: 1 },
  },
  grid: { lr: [1e-3, 1e-2] },
  metric: "loss",
  maximize: false,
};

test("a sweep trains every trial, sorts them, and begun again trains none anew", async () => {
  const workdir = join(dir, "tiny");
  const options = { workdir, engine: "interpreter" };
  const first = await sweep(tiny, options);
  expect(first.trials).toHaveLength(2);
  expect(first.trials[0].value).toBeLessThanOrEqual(first.trials[1].value);
  const written = await stat(join(workdir, "trial-1", "result.json"));
  expect(await sweep(tiny, options)).toEqual(first);
  expect((await stat(join(workdir, "trial-1", "result.json"))).mtimeMs).toBe(written.mtimeMs);
  expect(JSON.parse(await readFile(join(workdir, "table.json"), "utf8"))).toEqual(first.trials);
  const other = { ...tiny, grid: { lr: [1] } };
  await expect(sweep(other, options)).rejects.toThrow("holds another sweep");
});

test("a sweep that was stopped within a trial resumes it, and ends as one that was not", async () => {
  const whole = await sweep(tiny, { workdir: join(dir, "tiny"), engine: "interpreter" });
  const workdir = join(dir, "stopped");
  const stop = new AbortController();
  let trial = 0;
  const reporter = {
    terminal: true, // else the steps of a trial are not told
    line: (text: string): void => void (text.startsWith("trial ") && trial++),
    status: (text: string): void => void (trial === 2 && text.includes("step 2") && stop.abort()),
  };
  const stopped = await sweep(tiny, {
    workdir,
    engine: "interpreter",
    signal: stop.signal,
    reporter,
  });
  expect(stopped).toMatchObject({ interrupted: true, total: 2 });
  expect(stopped.trials).toHaveLength(1);
  const halfway = await readFile(join(workdir, "trial-2", "result.json"), "utf8");
  expect(JSON.parse(halfway)).toMatchObject({ interrupted: true, steps: 2 });
  const before = await stat(join(workdir, "trial-1", "result.json"));
  const resumed = await sweep(tiny, { workdir, engine: "interpreter" });
  const plainly = ({ trials }: typeof whole) =>
    trials.map(({ settings, value, loss }) => ({ settings, value, loss }));
  expect(plainly(resumed)).toEqual(plainly(whole));
  expect(resumed.interrupted).toBe(false);
  expect((await stat(join(workdir, "trial-1", "result.json"))).mtimeMs).toBe(before.mtimeMs);
  const metrics = await readFile(join(workdir, "trial-2", "metrics.jsonl"), "utf8");
  const steps = metrics
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { step: number }).step);
  expect(new Set(steps)).toEqual(new Set([1, 2, 3, 4])); // one folder, from the first step to the last
});

test.each([
  [{ ...tiny, grid: {} }, "a sweep needs settings to vary"],
  [{ ...tiny, grid: { lrr: [1] } }, 'unknown option "--lrr"; valid: --optimizer.lr'],
  [{ ...tiny, random: { lr: { min: 2, max: 1 } } }, "a range goes from 2 to 1"],
  [
    { ...tiny, metric: "acuracy" },
    'no evaluation has "acuracy". There are validation/accuracy, validation/loss, validation/ece.',
  ],
])("a mistake is told before or at the first trial", async (spec, message) => {
  const workdir = join(dir, `wrong-${message.length}`);
  await expect(sweep(spec, { workdir, engine: "interpreter" })).rejects.toThrow(message);
});
