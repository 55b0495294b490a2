/** @file A training in float16: its loss is scaled, steps that overflow are left out, and a run that stops resumes bit for bit. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, resume, train } from "../../src/index.ts";
import { smallConfig, statesOf, writeDigits } from "./small-run.ts";

const STEPS = 24;
const engine = "ort";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-loss-scale-"));
  await writeDigits(dir);
});
afterAll(() => rm(dir, { recursive: true }));

const configOf = (more: object = {}): ConfigInput => {
  const base = smallConfig(dir, STEPS) as ConfigInput;
  return {
    ...base,
    model: { ...base.model, dtypeMm: "float16" },
    ...{ log: { steps: 1 }, evals: { test: { split: "test" } } },
    ...more,
  } as unknown as ConfigInput;
};

type Line = Readonly<Record<string, number | null | undefined>>;

async function stepsOf(run: string): Promise<Line[]> {
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Line).filter(({ loss }) => loss !== undefined);
}

const at = (name: string): string => join(dir, name);

test("steps that overflow are counted and left out; a stopped run resumes bit for bit", async () => {
  const config = configOf({ lossScale: { initial: 2 ** 24, growthInterval: 6 } });
  const told: string[] = [];
  const reporter = {
    line: (text: string) => void told.push(text),
    status: () => undefined,
    terminal: false,
  };
  await train(config, { engine, workdir: at("whole"), reporter });
  const steps = await stepsOf(at("whole"));
  expect(steps.length).toBe(STEPS);
  const overflowed = steps.filter((line) => line.overflowed === 1);
  expect(overflowed.length).toBeGreaterThan(1);
  expect(overflowed.length).toBeLessThan(STEPS / 2);
  expect(steps.filter(({ skipped }) => skipped === 1)).toEqual(overflowed);
  const first = steps.indexOf(overflowed[0]);
  expect(steps[first]).toMatchObject({ lossScale: 2 ** 24 });
  expect(steps[first]).not.toHaveProperty("gradNorm");
  expect(steps[first + 1].lossScale).toBe(2 ** 23);
  // after six updates in a row the scale is twice what it was
  const grown = steps.findIndex(
    ({ lossScale }, i) => i > 0 && lossScale! > steps[i - 1].lossScale!,
  );
  expect(steps.slice(grown - 6, grown).map(({ skipped }) => skipped)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(told.join("\n")).toMatch(/100\.0 % left out to halve the loss scale/);
  expect(told.join("\n")).not.toMatch(/not finite/);

  const stop = new AbortController();
  const stopping = {
    ...reporter,
    line: (text: string) => void (text.startsWith("step 11/") && stop.abort()),
  };
  const options = { engine, workdir: at("stopped"), signal: stop.signal, reporter: stopping };
  await train(config, options);
  expect((await stepsOf(at("stopped"))).length).toBeLessThan(STEPS);
  await resume(at("stopped"), { engine });
  const plain = (lines: Line[]) =>
    lines.map(({ imagesPerSecond: _, dataWait: __, ...line }) => line);
  expect(plain(await stepsOf(at("stopped")))).toEqual(plain(steps));
  const served = (run: string) => readFile(join(run, "checkpoint.safetensors"));
  expect((await served(at("stopped"))).equals(await served(at("whole")))).toBe(true);
  expect(await statesOf(at("stopped"))).toEqual(await statesOf(at("whole")));
});

test("a loss of float16 is scaled by itself, and is float32's to float16's accuracy", async () => {
  await train(configOf(), { engine, workdir: at("itself") });
  const half = await stepsOf(at("itself"));
  expect(half.map(({ lossScale }) => lossScale)).toEqual(half.map(() => 2 ** 16));
  expect(half.every(({ skipped }) => skipped === 0)).toBe(true);
  const whole = smallConfig(dir, STEPS, { log: { steps: 1 } }) as ConfigInput;
  await train(whole, { engine, workdir: at("float32") });
  const expected = await stepsOf(at("float32"));
  expect(expected[0]).not.toHaveProperty("lossScale");
  const apart = half.map(({ loss }, i) => Math.abs(loss! - expected[i].loss!));
  expect(Math.max(...apart)).toBeLessThan(4e-3);
});

test("no loss is scaled where the configuration says null", async () => {
  await train(
    { ...configOf({ lossScale: null }), duration: { steps: 1 } },
    { engine, workdir: at("none") },
  );
  expect((await stepsOf(at("none")))[0]).not.toHaveProperty("lossScale");
});
