import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClaimRecipe } from "../index.ts";
import { evaluateModelOn } from "../served/evaluate.ts";
import { runClaim } from "./claim.ts";
import { type ClaimInput, defineClaim } from "./define.ts";
import { withTable } from "./table.ts";

let dir: string;
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), "ocelli-claim-"))));
afterAll(() => rm(dir, { recursive: true }));

const recipe = (lr: number, steps = 2): ClaimRecipe => ({
  preprocess: { train: "value_range(-1,1)", eval: "resize(28)|grayscale|value_range(-1,1)" },
  batchSize: 4,
  duration: { steps },
  model: { name: "vit", patchSize: [28, 28], width: 8, depth: 1, mlpDim: 8, numHeads: 1 },
  objective: { name: "classification" },
  optimizer: { name: "adam", lr },
  maxSkipped: 2,
});

const trained: string[] = [];
const tune = { lr: [0, 0.01] } as const;
const input: ClaimInput<typeof tune> = {
  name: "tiny",
  headline: "Training helps.",
  data: { name: "mnist" },
  splits: { train: "train[:20]", validation: "train[20:28]", test: "test[:8]" },
  metric: "loss",
  maximize: false,
  seeds: [4, 5],
  columns: ["parameters"],
  tune,
  arms: {
    long: ({ train, tuned }) => train(recipe(tuned.lr, 6)),
    continued: async ({ train, stage, tuned, seed, held }) => {
      trained.push(`${seed} ${tuned.lr} ${held}`);
      const { folder, values } = await stage("first", recipe(0.01));
      const last = await train({ ...recipe(tuned.lr, 1), init: folder });
      return { values: { ...last.values, before: values.loss } };
    },
  },
  checks: [
    { text: "same", difference: (of) => of("long") - of("long"), margin: 0 },
    { text: "early", difference: (of) => of("continued", "before"), margin: 1 },
  ],
};
const claim = defineClaim(input);
const options = { engine: "interpreter" };

test("quick takes one seed and the first settings, asks for the direction, and is read when repeated", async () => {
  const workdir = join(dir, "quick");
  const result = await runClaim(claim, { ...options, workdir });
  expect(result).toMatchObject({ claim: "tiny", scale: "quick", seeds: [4], interrupted: false });
  expect(result.arms.long.tuned).toEqual({ lr: 0 });
  expect(result.checks.map(({ holds }) => holds)).toEqual([false, true]); // no difference is no direction
  expect(result.holds).toBe(false);
  expect(result.arms.long.values[0].steps).toBe(6);
  const folders = (await readdir(workdir)).filter((name) => name !== "claim.json");
  expect(folders.map((name) => name.replace(/-\w{8}$/, ""))).toEqual([
    "continued-seed-4",
    "long-seed-4",
    "stage-first-seed-4",
    "table.md",
  ]);
  expect(await readFile(join(workdir, "table.md"), "utf8")).toBe(`${result.table}\n`);
  expect(result.table).not.toContain("that was tried"); // nothing was tuned
  const written = await stat(join(workdir, folders[0], "result.json"));
  const again = await runClaim(claim, { ...options, workdir });
  expect(again.arms).toEqual(result.arms);
  expect((await stat(join(workdir, folders[0], "result.json"))).mtimeMs).toBe(written.mtimeMs);
});

test("full tunes every arm on the validation split, then takes every seed", async () => {
  trained.length = 0;
  const result = await runClaim(claim, { ...options, scale: "full", workdir: join(dir, "full") });
  expect(trained).toEqual([
    "4 0 train[20:28]",
    "4 0.01 train[20:28]",
    ...[4, 5].map((seed) => `${seed} ${result.arms.continued.tuned.lr} test[:8]`),
  ]);
  expect(result.arms.long.tuned).toEqual({ lr: 0.01 }); // 0 leaves the loss as it was
  expect(result.checks[0]).toEqual({
    ...{ text: "same", margin: 0, mean: 0, deviation: 0, error: 0 },
    ...{ holds: true, isOpen: false },
  });
  const { tried } = result.arms.long;
  expect(tried.map(({ tuned }) => tuned)).toEqual([{ lr: 0 }, { lr: 0.01 }]);
  expect(tried[1].value).toBeLessThan(tried[0].value);
  const kept = JSON.parse(await readFile(join(result.workdir, "claim.json"), "utf8")) as unknown;
  expect(kept).toEqual(JSON.parse(JSON.stringify(result)));
  expect(result.table).toContain("mean ± standard deviation of 2 seeds");
  expect(result.table).toMatch(/\| long +\| \d\.\d{3} ± \d\.\d{3} +\| \d+ +\| 0.01 +\|/);
  expect(result.table).toMatch(/\nAt the highest lr that was tried \(0\.01\): (All arms|long)\.\n/);
  const stages = (await readdir(result.workdir)).filter((name) => name.startsWith("stage-"));
  expect(stages).toHaveLength(2); // one for each seed, whatever was tried
});

test("arms share trainings that are the same, and those that read no setting are not tuned", async () => {
  const workdir = join(dir, "shared");
  const shared = defineClaim({
    ...input,
    arms: {
      fixed: ({ train }) => train(recipe(0.01, 6)),
      tuned: ({ train, tuned }) => train(recipe(tuned.lr, 6), "again"),
    },
    checks: [
      { text: "same", difference: (of) => of("fixed") - of("tuned"), margin: 0 },
      { text: "unseen", difference: (of) => of("fixed") - of("fixed", "accuracy"), margin: 0 },
    ],
  });
  const result = await runClaim(shared, { ...options, scale: "full", workdir });
  expect(result.arms.fixed.tuned).toEqual({});
  expect(result.arms.tuned.tuned).toEqual({ lr: 0.01 });
  expect(result.checks[0]).toMatchObject({ mean: 0, deviation: 0 });
  expect(result.table).toMatch(/\| fixed +\|.*\| – +\|/);
  const folders = (await readdir(workdir)).filter((name) => name.includes("seed"));
  expect(folders.map((name) => name.replace(/-\w{8}$/, ""))).toEqual([
    "fixed-seed-4",
    "fixed-seed-5",
    "tuned-again-seed-4", // the rate that was not chosen
  ]);
  const read = await Promise.all(folders.map((name) => readdir(join(workdir, name))));
  expect(read.map((files) => files.includes("judged.json"))).toEqual([true, true, false]);
  const { values } = await evaluateModelOn(join(workdir, folders[1]), undefined, {
    split: "test[:8]",
    engine: "interpreter",
  });
  expect(result.arms.fixed.values[1]).toMatchObject({
    loss: values.loss,
    accuracy: values.accuracy,
  });
});

test("arms are judged by the evaluator that a claim names", async () => {
  const workdir = join(dir, "neighbours");
  const near = defineClaim({
    ...input,
    evaluator: "knn",
    metric: "knn20",
    maximize: true,
    seeds: [4],
    arms: {
      short: ({ train }) => train(recipe(0.01, 1)),
      long: ({ train }) => train(recipe(0.01, 6)),
    },
    checks: [{ text: "long", difference: (of) => of("long") - of("short"), margin: 0 }],
  });
  const result = await runClaim(near, { ...options, scale: "full", workdir });
  const folders = (await readdir(workdir)).filter((name) => name.startsWith("long-seed"));
  const folder = join(workdir, folders[0]);
  const { evals } = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as {
    evals: object;
  };
  expect(evals).toEqual({ validation: { type: "knn", split: "train[20:28]" } });
  const { values } = await evaluateModelOn(folder, undefined, {
    ...{ split: "test[:8]", types: ["knn"], from: "train[:20]", engine: "interpreter" },
  });
  const [found] = result.arms.long.values;
  expect(found).toMatchObject({ knn20: values.knn20, knn1: values.knn1 });
  expect(result.table).toMatch(/\| arm +\| knn20/);
});

test("a training that diverges is a result, and stays one", async () => {
  const wild = defineClaim({
    ...input,
    metric: "accuracy",
    maximize: true,
    arms: {
      "calm, lr 0.01": ({ train }) => train(recipe(0.01)),
      wild: ({ train }) => train({ ...recipe(0, 9), optimizer: { name: "sgd", lr: 3e38 } }),
      "wild to the end": ({ train }) =>
        train({ ...recipe(0), optimizer: { name: "sgd", lr: 3e38 } }),
    },
    checks: [
      { text: "calm wins", difference: (of) => of("calm, lr 0.01") - of("wild"), margin: 0 },
    ],
  });
  for (const _ of [1, 2]) {
    const result = await runClaim(wild, { ...options, workdir: join(dir, "wild") });
    const diverged = [{ diverged: 1, accuracy: 0 }];
    expect(result.arms.wild.values).toEqual(diverged);
    expect(result.arms["wild to the end"].values).toEqual(diverged);
    expect(result.table).toContain("(1 of 1 diverged)");
    const folders = (await readdir(result.workdir)).filter((name) => name.startsWith("wild-seed"));
    expect(await readdir(join(result.workdir, folders[0]))).toContain("diverged.json");
  }
});

test("a claim that is stopped goes on", async () => {
  const workdir = join(dir, "stopped");
  const stop = new AbortController();
  stop.abort();
  const stopped = await runClaim(claim, { ...options, workdir, signal: stop.signal });
  expect(stopped).toMatchObject({ interrupted: true, checks: [], holds: false, table: "" });
  const result = await runClaim(claim, { ...options, workdir });
  expect(result.interrupted).toBe(false);
  expect(Object.keys(result.arms)).toEqual(["long", "continued"]);
});

test("a claim that compares nothing, or names what is not there, is an error of one line", async () => {
  const { long } = input.arms;
  expect(() => defineClaim({ ...input, arms: { long } })).toThrow("claim tiny: it needs two arms");
  expect(() => defineClaim({ ...input, checks: [] })).toThrow("it needs a check");
  expect(() => defineClaim({ ...input, tune: { lr: [] as number[] } as never })).toThrow(
    "tune.lr has no values",
  );
  const workdir = join(dir, "quick");
  const check = { text: "none", difference: (of: (arm: string) => number) => of("other") };
  const none = defineClaim({ ...input, checks: [{ ...check, margin: 0 }] });
  await expect(runClaim(none, { ...options, workdir })).rejects.toThrow(
    '"none" names no arm: other',
  );
  const metric = defineClaim({ ...input, metric: "los" });
  await expect(runClaim(metric, { ...options, workdir })).rejects.toThrow(
    'the arm long has no value "los". It has accuracy, loss,',
  );
});

test("a README takes a table between its own markers", () => {
  const readme = "# A\n<!-- claim a: begin -->\nold\n<!-- claim a: end -->\nrest\n";
  expect(withTable(readme, "a", "| new |")).toBe(
    "# A\n<!-- claim a: begin -->\n\n| new |\n\n<!-- claim a: end -->\nrest\n",
  );
  expect(() => withTable(readme, "b", "")).toThrow("no place for the table of b");
});

test("an arm's features are probed on the held split, and the probe is kept", async () => {
  const workdir = join(dir, "probed");
  const found: object[] = [];
  const probing = defineClaim({
    ...{ name: "probing", headline: "Features tell.", data: { name: "mnist" }, metric: "knn1" },
    splits: { train: "train[:40]", validation: "train[40:48]", test: "test[:12]" },
    arms: {
      one: async ({ stage, probe }) => {
        const run = await stage("it", recipe(0.01));
        const values = await probe(run, { split: "train[:40]" });
        found.push(values, await probe(run, { split: "train[:40]", shots: 1 }));
        return { values };
      },
      same: async ({ stage, probe }) => ({ values: await probe(await stage("it", recipe(0.01))) }),
    },
    checks: [{ text: "same", difference: (of) => of("one") - of("same"), margin: -1 }],
  });
  const { arms } = await runClaim(probing, { engine: "ort", workdir });
  expect(found[0]).toMatchObject({ trainImages: 40, testImages: 12 });
  expect(found[1]).toMatchObject({ trainImages: 10, testImages: 12 });
  expect(arms.same.values[0]).toEqual(arms.one.values[0]); // the training split is the default
  const [run] = (await readdir(workdir)).filter((name) => name.startsWith("stage-it"));
  const kept = (await readdir(join(workdir, run))).filter((name) => name.startsWith("probe-"));
  expect(kept).toHaveLength(2);
  const written = await stat(join(workdir, run, kept[0]));
  await runClaim(probing, { engine: "ort", workdir });
  expect((await stat(join(workdir, run, kept[0]))).mtimeMs).toBe(written.mtimeMs);
});
