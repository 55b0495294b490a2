/** @file Every system of the table in miniature: drawn pictures, a small network, two steps; and a table that was stopped. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { objectiveDefinition } from "../../src/objectives/index.ts";
import { SEMI_SUPERVISED } from "../../src/objectives/semi-supervised/index.ts";
import { SELF_SUPERVISED } from "../../src/objectives/self-supervised/index.ts";
import { writeColours } from "../../tests/e2e/small-run.ts";
import { behindRandom, reasonsOf, tablePage } from "./page.ts";
import { BUDGET, NETWORK, RANDOM, SYSTEMS } from "./settings.ts";
import { type SystemRow, isWhole, readRow, runSystem } from "./system.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-systems-"));
  await writeColours(join(dir, "data"), { train: 60, test: 12 });
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

const options = (workdir: string) => ({
  data: { name: "folder", dir: join(dir, "data") } as const,
  budget: { ...BUDGET, steps: 2, fineTuneEpochs: 1 },
  network: { ...NETWORK, width: 12, depth: 1, mlpDim: 12, numHeads: 2 } as typeof NETWORK,
  workdir: join(dir, workdir),
  engine: "ort",
});

/** A system with a batch that the few pictures fill. */
const small = (name: string) => ({ ...SYSTEMS[name], batchSize: 8 });

test("every objective without labels, or with few, has a row", () => {
  const used = Object.values(SYSTEMS).map(({ objective }) => objective.name);
  for (const { name } of [...SELF_SUPERVISED, ...SEMI_SUPERVISED]) expect(used).toContain(name);
  for (const name of used) expect(objectiveDefinition(name).name).toBe(name);
});

/** One of each kind; all with OCELLI_LONG, which takes minutes. */
const RUN = process.env.OCELLI_LONG
  ? Object.keys(SYSTEMS)
  : [RANDOM, "moco v2", "ibot", "s4l-exemplar"];

test.each(RUN)("%s runs to a whole row", async (name) => {
  const { row, interrupted } = await runSystem(name, small(name), options("each"));
  expect(interrupted).toBe(false);
  expect(isWhole(row)).toBe(true);
  expect(row.diverged).toBeUndefined();
  for (const share of [row.knn20, row.linear, row.tenth]) {
    expect(share).toBeGreaterThanOrEqual(0);
    expect(share).toBeLessThanOrEqual(1);
  }
  expect(row.steps).toBe(name === RANDOM ? 1 : 2);
  expect(row.msPerImage).toBeGreaterThan(0);
  expect(row.peakMb).toBeGreaterThan(50);
  expect(Number.isFinite(row.last!.loss)).toBe(true);
});

test("a system that is stopped in training or later resumes to the same row", async () => {
  const given = options("stopped");
  const stopAt = async (word: string): Promise<void> => {
    const stop = new AbortController();
    const see = (text: string) => void (text.includes(word) && stop.abort());
    const reporter = { terminal: false, line: see, status: see };
    const { interrupted } = await runSystem("simclr", small("simclr"), {
      ...{ ...given, reporter, signal: stop.signal },
    });
    expect(interrupted).toBe(true);
  };
  await stopAt("step 1/");
  expect(await readRow(given.workdir, "simclr")).toMatchObject({ steps: 2 });
  await stopAt("features of");
  const between = await readRow(given.workdir, "simclr");
  expect(between.msPerImage).toBeGreaterThan(0);
  expect(between.knn20).toBeUndefined();
  const { row } = await runSystem("simclr", small("simclr"), given);
  const { row: whole } = await runSystem("simclr", small("simclr"), options("whole"));
  const figures = ({ knn20, linear, tenth, last }: SystemRow) => ({ knn20, linear, tenth, last });
  expect(figures(row)).toEqual(figures(whole));
  const again = await readFile(join(given.workdir, "simclr.json"), "utf8");
  await runSystem("simclr", small("simclr"), given); // nothing is left to do
  expect(await readFile(join(given.workdir, "simclr.json"), "utf8")).toBe(again);
}, 120_000);

test("the page asks why a system is not above random features, and keeps the reason", () => {
  const rows: SystemRow[] = [
    { name: RANDOM, knn20: 0.3, linear: 0.35, tenth: 0.4, epochs: 0 },
    { name: "simclr", knn20: 0.5, linear: 0.6, tenth: 0.6, epochs: 9, msPerImage: 5, peakMb: 900 },
    {
      ...{ name: "simmim", knn20: 0.3, linear: 0.4, tenth: 0.5, epochs: 2.5 },
      ...{ first: { loss: 1, featureDeviation: 0.9 }, last: { loss: 0.5, featureDeviation: 0.3 } },
    },
    { name: "dino", epochs: 1, diverged: "the loss was not finite" },
  ];
  expect(behindRandom(rows).map(({ name }) => name)).toEqual(["simmim", "dino"]);
  const first = tablePage(rows);
  expect(first.asked).toEqual(["simmim", "dino"]);
  expect(first.text).toMatch(/\| simclr +\| 50.0 \| 60.0 +\| 60.0 +\| 9.0 +\| 5.00 +\| 900 +\|/);
  expect(first.text).toContain("2.5 epochs; loss 1.00 → 0.500, featureDeviation 0.900 → 0.300.");
  const before = first.text.replace(
    "**simmim**: no reason is given yet.",
    "**simmim**: two epochs are too few to predict pixels.",
  );
  expect(reasonsOf(before)).toEqual({ simmim: "two epochs are too few to predict pixels." });
  const second = tablePage(rows, { before });
  expect(second.asked).toEqual(["dino"]);
  expect(second.text).toBe(before);
});
