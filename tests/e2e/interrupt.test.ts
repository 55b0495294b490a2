import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TrainResult } from "../../src/index.ts";
import { readCheckpoint } from "../../src/weights/checkpoint.ts";
import { type Process, smallConfig, startCli, writeDigits } from "./small-run.ts";

let dir: string;
let config: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-interrupt-"));
  await writeDigits(dir);
  config = join(dir, "small.ts");
  const endless = smallConfig(dir, 1_000_000, { log: { steps: 1 } });
  await writeFile(config, `export default ${JSON.stringify(endless)};\n`);
});
afterAll(() => rm(dir, { recursive: true }));

/** Resolves when a process has said something. */
async function says({ text }: Process, part: string): Promise<void> {
  while (!text().includes(part)) await sleep(2);
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s finishes the step, saves, says how to go on, and ends with 130",
  async (signal) => {
    const workdir = join(dir, signal);
    const process = startCli(["train", config, "--workdir", workdir, "--json"]);
    await says(process, "step 5/");
    process.kill(signal);
    expect(await process.ended).toBe(130);
    const result = JSON.parse(process.text().trim().split("\n").at(-1)!) as TrainResult;
    expect(result).toMatchObject({ interrupted: true, evals: {}, workdir });
    expect(process.text()).toContain(`stopped after step ${result.steps}; saved ${workdir}`);
    expect(process.text()).toContain(`go on with: ocelli train --resume ${workdir}\n`);
    const saved = await readFile(join(workdir, "checkpoint.safetensors"));
    expect(readCheckpoint(saved, "saved").card.step).toBe(result.steps);

    const again = startCli(["train", "--resume", workdir]);
    await says(again, `step ${result.steps + 1}/`);
    expect(again.text()).toContain(`resumed after step ${result.steps}\n`);
    again.kill("SIGKILL");
    await again.ended;
  },
);

test("a run that began with weights goes on when they are gone", async () => {
  const begin = join(dir, "begin");
  const short = ["--duration", '{"steps":1}'];
  expect(await startCli(["train", config, "--workdir", begin, ...short]).ended).toBe(0);
  const workdir = join(dir, "begun");
  const process = startCli(["train", config, "--init.weights", begin, "--workdir", workdir]);
  await says(process, "step 5/");
  process.kill("SIGINT");
  expect(await process.ended).toBe(130);
  await rm(begin, { recursive: true });
  const again = startCli(["train", "--resume", workdir]);
  await says(again, "resumed after step");
  again.kill("SIGKILL");
  await again.ended;
});

test("a second Ctrl-C stops at once", async () => {
  const process = startCli(["train", config, "--workdir", join(dir, "twice")]);
  await says(process, "step 5/");
  process.kill("SIGINT");
  process.kill("SIGINT");
  await sleep(1);
  process.kill("SIGINT");
  expect(await process.ended).toBe(130);
});
