/** @file On XLA too, a run that is killed and resumed gives what an unbroken run gives: every byte, but for timings. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import { smallConfig, startCli, statesOf, writeDigits } from "../e2e/small-run.ts";

const STEPS = 60;
/** One layer: XLA compiles it sooner. */
const MODEL = {
  name: "vit",
  patchSize: [7, 7],
  width: 32,
  depth: 1,
  mlpDim: 64,
  numHeads: 2,
  dropout: 0.1,
};
/** When the run is killed; more often in the long test. */
const MOMENTS = process.env.OCELLI_LONG === "1" ? ["step 14/", "step 35/"] : ["step 28/"];
const installed = installedPlugins().includes("xla-cpu");

/** What a run leaves behind, without what depends on the clock. */
async function leftBy(run: string) {
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
  const metrics = lines.map((line) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    return { ...entry, imagesPerSecond: undefined, dataWait: undefined };
  });
  const served = await readFile(join(run, "checkpoint.safetensors"));
  return { metrics, states: await statesOf(run), served: served.toString("base64") };
}

describe.skipIf(!installed)("a run on xla-cpu (ocelli engines install xla-cpu)", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocelli-xla-resume-"));
    await writeDigits(dir);
    const config = `export default ${JSON.stringify(smallConfig(dir, STEPS, { model: MODEL }))};\n`;
    await writeFile(join(dir, "small.ts"), config);
  });
  afterAll(() => rm(dir, { recursive: true }));

  it("goes on bit for bit after kills", { timeout: 120_000 }, async () => {
    const begin = (run: string) =>
      startCli(["train", join(dir, "small.ts"), "--engine", "xla-cpu", "--workdir", run]);
    const unbroken = join(dir, "unbroken");
    const whole = begin(unbroken);
    expect(await whole.ended, whole.text()).toBe(0);

    const run = join(dir, "killed");
    let process = begin(run);
    for (const moment of MOMENTS) {
      while (!process.text().includes(moment)) await sleep(5);
      process.kill("SIGKILL");
      expect(await process.ended, process.text()).toBe(null);
      process = startCli(["train", "--resume", run]);
    }
    expect(await process.ended, process.text()).toBe(0);
    expect(process.text()).toContain("engine  xla-cpu: XLA on 1 × cpu");
    expect(await leftBy(run)).toEqual(await leftBy(unbroken));
  });
});
