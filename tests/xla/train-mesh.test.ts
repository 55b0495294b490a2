/** @file The training loop over several devices: the same losses, and checkpoints that load on another mesh. */

import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import quickstart from "../../recipes/quickstart.ts";
import { listEngines } from "../../src/engines/select.ts";
import type { ConfigInput } from "../../src/config/config.ts";
import { resume, train } from "../../src/train/train.ts";

const engine = "xla-cpu";
const xla = (await listEngines()).find(({ name }) => name === engine);
const dir = mkdtempSync(join(tmpdir(), "ocelli-mesh-"));
afterAll(() => rmSync(dir, { recursive: true }));

const STEPS = 6;
const small: ConfigInput = {
  ...quickstart,
  split: "train[:320]",
  evals: { test: { split: "test[:64]" } },
  batchSize: 32,
  duration: { steps: STEPS },
  log: { steps: 1 },
  model: { name: "vit", patchSize: [7, 7], width: 16, depth: 1, mlpDim: 32, numHeads: 2 },
  optimizer: { name: "sgd", lr: 0.1 },
};
const fsdp: Partial<ConfigInput> = {
  mesh: "data=4",
  sharding: [[".*/kernel", { fsdp: "data", minSize: 64 }]],
};

async function lossesOf(folder: string): Promise<number[]> {
  const lines = (await readFile(join(folder, "metrics.jsonl"), "utf8")).trim().split("\n");
  return lines.flatMap((line) => (JSON.parse(line) as { loss?: number }).loss ?? []);
}

async function losses(name: string, change: Partial<ConfigInput>): Promise<number[]> {
  const workdir = join(dir, name);
  await train({ ...small, ...change }, { workdir, engine });
  return lossesOf(workdir);
}

function expectEqual(some: readonly number[], others: readonly number[]): void {
  expect(some).toHaveLength(STEPS);
  some.forEach((loss, i) => expect(Math.abs(loss - others[i])).toBeLessThan(1e-5 * others[i]));
}

test.skipIf(!xla?.available)(
  "the loop on meshes: equal losses, and a run goes on over other devices",
  { timeout: 240_000 },
  async () => {
    const one = await losses("one", {});
    expectEqual(await losses("data", { mesh: "data=2" }), one);

    // stopped on four devices, and gone on with on two
    const workdir = join(dir, "fsdp");
    const stop = new AbortController();
    const line = (text: string) => void (text.startsWith("step 3/") && stop.abort());
    const reporter = { line, status: () => undefined, terminal: false };
    const config = { ...small, ...fsdp };
    const stopped = await train(config, { workdir, engine, reporter, signal: stop.signal });
    expect(stopped.interrupted).toBe(true);
    expect(stopped.steps).toBeLessThan(STEPS);
    await resume(workdir, { mesh: "data=2" });
    expectEqual(await lossesOf(workdir), one);
  },
);
