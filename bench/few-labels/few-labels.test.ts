/** @file The comparison with few labels in miniature: drawn pictures, two steps of pretraining, stopped and begun again. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../../src/config/config.ts";
import { configOf } from "../../src/pretrain/choose.ts";
import { train } from "../../src/train/train.ts";
import { writeColours } from "../../tests/e2e/small-run.ts";
import { type FewLabelsSettings, describeFewLabels, fewLabels } from "./few-labels.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-few-labels-"));
  await writeColours(join(dir, "data"), { train: 40, test: 12 });
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

test("a stopped comparison resumes, and says what pretraining gains", async () => {
  const settings: FewLabelsSettings = {
    ...{ minutes: 1, shots: 5, seeds: [0, 1], margin: 0.05 },
    published: join(dir, "work", "untrained"), // no network is asked for published weights
  };
  const given = {
    ...{ data: { name: "folder", dir: join(dir, "data") } as const, engine: "ort" },
    ...{ workdir: join(dir, "work"), settings },
  };
  // a pretraining that is done, as that one measures steps by the clock
  const brief = { evals: {}, checkpoint: {}, duration: { steps: 2 }, data: given.data };
  const config = { ...configOf({ method: "rotation", size: 32, batchSize: 16 }), ...brief };
  await train(config as ConfigInput, { workdir: join(dir, "work", "pretrained"), engine: "ort" });
  const stop = new AbortController();
  const line = (text: string) => void (text.startsWith("features of train") && stop.abort());
  const reporter = { terminal: false, line, status: () => undefined };
  const stopped = fewLabels({ ...given, reporter, signal: stop.signal });
  await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
  const lines: string[] = [];
  const telling = { ...reporter, line: (text: string) => void lines.push(text) };
  const found = await fewLabels({ ...given, reporter: telling });
  expect(lines.some((text) => text.startsWith("step "))).toBe(false); // pretraining was done
  expect(Object.keys(found.accuracy)).toEqual(["pretrained", "untrained", "published"]);
  expect(found.accuracy.published).toEqual(found.accuracy.untrained);
  const mean = ([a, b]: readonly number[]): number => (a + b) / 2;
  expect(found.gain).toBeCloseTo(
    mean(found.accuracy.pretrained) - mean(found.accuracy.untrained),
    9,
  );
  expect(found.behind).toBeCloseTo(-found.gain, 9);
  expect(found.holds).toBe(found.gain >= 0.05);
  const text = describeFewLabels(found, settings).join("\n");
  expect(text).toContain(found.holds ? "holds" : "does not hold");
  const again: string[] = [];
  const silent = { ...reporter, line: (one: string) => void again.push(one) };
  expect(await fewLabels({ ...given, reporter: silent })).toEqual(found);
  expect(again).toEqual([]); // all of it was read
}, 240_000);
