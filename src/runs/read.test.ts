import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareRuns } from "./compare.ts";
import { matches, parseQuery } from "./list-query.ts";
import { listRuns, runsTable } from "./list.ts";
import { thisProcess } from "./lock/holder.ts";
import { lockFolder } from "./lock/lock.ts";
import { CurveBuilder, MetricsReader } from "./read-curves.ts";
import { type RunSummary, readRun, runFolder } from "./read.ts";
import { renderReport } from "./report.ts";
import { unrecorded, unwritten } from "./report/absent.ts";
import { ticks } from "./report/chart.ts";

let dir: string;

async function makeRun(name: string, lr: number, metrics: string, result?: object) {
  const folder = join(dir, name);
  await mkdir(folder, { recursive: true });
  const write = (file: string, value: object) =>
    writeFile(join(folder, file), JSON.stringify(value));
  const model = { name: "vit", width: 8, depth: 2 };
  const evals = { test: { split: "test" } };
  await write("config.json", { model, optimizer: { lr }, duration: { steps: 9 }, evals });
  await write("environment.json", { engine: "ort" });
  await writeFile(join(folder, "metrics.jsonl"), metrics);
  if (result) await write("result.json", result);
  return folder;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-read-"));
  const whole = '{"step":9,"loss":0.5}\n{"step":9,"test/accuracy":0.75,"test/loss":0.6}\n';
  await makeRun("finished", 0.1, whole, { steps: 9, seconds: 61, accuracy: 0.75 });
  await makeRun("sweep/going", 0.01, '{"step":3,"loss":1,"accuracy":0.5}\n{"step":6,"lo');
  const dead = await makeRun("sweep/killed", 0.1, '{"step":3,"loss":null}\n');
  await utimes(join(dead, "metrics.jsonl"), 1e9, 1e9);
  await makeRun("stopped", 0.3, '{"step":4,"loss":2}\n', { steps: 4, interrupted: true });
  await mkdir(join(dir, "other"));
  await symlink(dead, join(dir, "linked"));
});
afterAll(() => rm(dir, { recursive: true }));

test("runs are found with their state, and half-written lines do no harm", async () => {
  const runs = await listRuns(dir, { sort: "name" });
  expect(runs.map(({ name, state, step }) => [name, state, step])).toEqual([
    ["finished", "finished", 9],
    ["stopped", "interrupted", 4],
    ["sweep/going", "running", 3],
    ["sweep/killed", "interrupted", 3],
  ]);
  expect(runs[0]).toMatchObject({
    headline: { metric: "test/accuracy", value: 0.75, better: "higher" },
    ...{ loss: 0.6, measured: "evaluation", seconds: 61 },
  });
  expect(runs[2]).toMatchObject({
    headline: { metric: "accuracy", value: 0.5, better: "higher" },
    ...{ measured: "training", totalSteps: 9 },
  });
  expect(runsTable(runs)[3]).toMatch(/^sweep\/going +running +3\/9 +50.00 % train +1 train/);
});

test("a result that metrics went beyond is out of date: the run was resumed", async () => {
  const folder = await makeRun("resumed", 0.1, '{"step":8,"loss":1}\n', {
    steps: 4,
    interrupted: true,
  });
  expect(await readRun(folder)).toMatchObject({ state: "running", step: 8 });
  await rm(folder, { recursive: true });
});

test.each([
  ["lr=0.1", ["finished", "sweep/killed"]],
  ["optimizer.lr>=0.1 state=finished", ["finished"]],
  ["lr!=0.1 name~sweep", ["sweep/going"]],
  ["test/accuracy>0.7", ["finished"]],
  ["KILLED", ["sweep/killed"]],
  ['model="vit 8×2" lr<0.05', ["sweep/going"]],
])("the filter %s", async (filter, names) => {
  const runs = await listRuns(dir, { filter, sort: "name" });
  expect(runs.map(({ name }) => name)).toEqual(names);
});

test("mistakes in a list are told with what is valid", async () => {
  await expect(listRuns(dir, { sort: "acuracy" })).rejects.toThrow("valid: accuracy,");
  await expect(listRuns(dir, { filter: "optimizer.lt=1" })).rejects.toThrow("valid: optimizer.lr,");
  await expect(listRuns(dir, { filter: "lr<small" })).rejects.toThrow(
    'needs a number, not "small"',
  );
  await expect(listRuns(join(dir, "none"))).rejects.toThrow("there is no folder");
  await expect(runFolder(join(dir, "finisht"))).rejects.toThrow(`valid: ${join(dir, "finished")},`);
});

test("any query is understood or refused, never more", async () => {
  const [run] = await listRuns(dir);
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(typeof matches(run, parseQuery(text))).toBe("boolean");
      } catch (error) {
        expect(String(error)).toContain("needs a number");
      }
    }),
  );
});

test("runs are compared by what differs, the best result marked", async () => {
  const runs = await listRuns(dir, { sort: "name" });
  const { settings, results } = compareRuns([runs[0], runs[2]]);
  expect(settings.filter(({ same }) => !same)).toEqual([
    { path: "optimizer.lr", values: [0.1, 0.01], same: false },
  ]);
  expect(results.find(({ name }) => name === "loss")).toMatchObject({ values: [0.5, 1], best: 0 });
});

test("curves keep few points, their extremes, and the later of repeated steps", () => {
  const builder = new CurveBuilder(64);
  for (let step = 1; step <= 100_000; step++) builder.add(step, step === 777 ? 1e6 : step);
  const { steps, means, highs } = builder.curve();
  expect(steps.length).toBeLessThanOrEqual(64);
  expect(steps.length).toBeGreaterThanOrEqual(32);
  expect(steps.at(-1)).toBe(100_000);
  expect(Math.max(...highs)).toBe(1e6);
  expect(means.every((mean, i) => i === 0 || mean > 0)).toBe(true);
  const resumed = new CurveBuilder(8);
  for (const [step, value] of [[1, 1], [2, 2], [3, 3], [2, 20]]) resumed.add(step, value); // prettier-ignore
  expect(resumed.curve()).toMatchObject({ steps: [1, 2], means: [1, 20] });
});

test("a growing file is read piece by piece, wherever it is cut", async () => {
  const file = join(dir, "growing.jsonl");
  const text = '{"step":1,"loss":2}\n{"step":2,"é":1}\nnonsense\n{"step":3,"loss":1}\n';
  const bytes = new TextEncoder().encode(text);
  await writeFile(file, "");
  const reader = new MetricsReader(file);
  for (const byte of bytes) {
    await appendFile(file, Uint8Array.of(byte));
    await reader.update();
  }
  expect(reader.curves()).toMatchObject({
    loss: { steps: [1, 3], means: [2, 1] },
    é: { steps: [2], means: [1] },
  });
  await writeFile(file, '{"step":5,"loss":4}\n');
  await reader.update();
  expect(reader.curves()).toMatchObject({ loss: { steps: [5], means: [4] } });
});

test("a report escapes what stands in the files, and says what is absent", async () => {
  const folder = await makeRun("<script>alert(1)</script>".replaceAll("/", ""), 1, "");
  await writeFile(
    join(folder, "predictions.json"),
    JSON.stringify({
      classes: ["<b>cat", "dog"],
      confusion: [[3, 1], [0, 0]], // prettier-ignore
      mistakes: [
        { id: '"><img>', label: 0, predicted: 1, probability: 0.9, thumbnail: "data:image/png,x" },
        { id: "elsewhere", label: 0, predicted: 1, probability: 1, thumbnail: "http://elsewhere" },
      ],
    }),
  );
  const report = await renderReport(folder);
  expect(report).toContain("&lt;b&gt;cat");
  expect(report).not.toMatch(/<b>cat|<script>alert|"><img>|elsewhere/);
  expect(report).toContain("75.0 %");
  expect(report).toContain("There are no metrics yet: the training is running.");
  expect(report).toMatch(/<code>ocelli report .*script.*<\/code>/);
  expect(report).toContain("<code>ocelli data PATH --html data.html</code>");
  const old = new Date("2020-01-01");
  for (const name of await readdir(folder)) await utimes(join(folder, name), old, old);
  expect(await renderReport(folder)).toMatch(/was stopped[^<]*<code>ocelli train --resume /);
  await rm(folder, { recursive: true });
});

test("a run that recorded how long an epoch is knows its steps before it ends", async () => {
  const folder = join(dir, "epochs");
  await mkdir(folder);
  await writeFile(join(folder, "config.json"), JSON.stringify({ duration: { epochs: 4 } }));
  await writeFile(join(folder, "metrics.jsonl"), '{"step":3,"loss":1}\n');
  expect(await readRun(folder)).toMatchObject({ step: 3, totalSteps: undefined });
  await writeFile(join(folder, "card.json"), JSON.stringify({ perEpoch: 2.5 }));
  expect(await readRun(folder)).toMatchObject({ step: 3, perEpoch: 2.5, totalSteps: 10 });
  await rm(folder, { recursive: true });
});

test("a part with nothing to show names a command whose paths a shell takes", async () => {
  const data = { name: "folder", dir: "it's; rm -rf" };
  const text = unrecorded("None", { config: { data } } as unknown as RunSummary).markup;
  expect(text).toContain("ocelli data &#39;it&#39;\\&#39;&#39;s; rm -rf&#39; --html data.html");
  const finished = { state: "finished", folder: join(process.cwd(), "runs/a") } as RunSummary;
  expect(unwritten("None", finished).markup).toContain("<code>ocelli eval runs/a</code>");
});

test("a report survives 50,000 names and 500 lines of one metric", async () => {
  const line = (step: number, names: number, name: (i: number) => string) =>
    `{"step":${step},${Array.from({ length: names }, (_, i) => `"${name(i)}":${i + step}`).join()}}\n`;
  const names = [1, 2].map((step) => line(step, 50_000, (i) => `metric-number-${i}`)).join("");
  const many = await makeRun("many", 1, names);
  expect((await readRun(many)).values["metric-number-49999"]).toBe(50_001);
  const report = await renderReport(many);
  expect(report).toContain("… and 49960 more metrics, which are in metrics.jsonl.");
  expect(report.length).toBeLessThan(2e6);
  const steps = Array.from({ length: 400 }, (_, i) => line(i + 1, 500, (k) => `part-${k}/loss`));
  const wide = await renderReport(await makeRun("wide", 1, steps.join("")));
  expect(wide).toContain("… and 476 more lines, which are in metrics.jsonl.");
  expect(wide.length).toBeLessThan(2e6);
  for (const name of ["many", "wide"]) await rm(join(dir, name), { recursive: true });
}, 30_000);

test("a million lines are read in pieces, and the list looks at the last of them", async () => {
  const folder = await makeRun("long", 1, "");
  const count = 1_000_000;
  for (let step = 1; step <= count; step += 100_000) {
    const lines = Array.from({ length: 100_000 }, (_, i) => `{"step":${step + i},"loss":1.5}\n`);
    await appendFile(join(folder, "metrics.jsonl"), lines.join(""));
  }
  expect(await readRun(folder)).toMatchObject({ step: count, loss: 1.5 });
  const reader = new MetricsReader(join(folder, "metrics.jsonl"));
  let waits = 0;
  const timer = setInterval(() => waits++, 1);
  await reader.update();
  clearInterval(timer);
  expect(waits).toBeGreaterThan(20); // others have their turn while it reads
  const { steps } = reader.curves().loss;
  expect(steps.at(-1)).toBe(count);
  expect(steps.length).toBeLessThanOrEqual(512);
  await rm(folder, { recursive: true });
}, 60_000);

test("the process that a run's lock names says whether it goes on", async () => {
  const folder = await makeRun("locked", 0.1, '{"step":3,"loss":1}\n');
  await utimes(join(folder, "metrics.jsonl"), 1e9, 1e9); // long ago
  const lock = await lockFolder(folder);
  expect(await readRun(folder)).toMatchObject({ state: "running" });
  lock.release();
  expect(await readRun(folder)).toMatchObject({ state: "interrupted" });
  const ended = { ...thisProcess(folder), pid: 2 ** 31 - 1 };
  await writeFile(join(folder, "writer-1.lock"), JSON.stringify(ended));
  const now = Date.now() / 1000 + 1e6; // the clock was set back since
  await utimes(join(folder, "metrics.jsonl"), now, now);
  expect(await readRun(folder)).toMatchObject({ state: "interrupted" });
  await rm(folder, { recursive: true });
});

test("axes have round numbers", () => {
  expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(0.13, 2.4)).toEqual([0.5, 1, 1.5, 2]);
  expect(ticks(3, 3)).toEqual([3]);
});
