import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TrainResult } from "../../src/index.ts";
import { readCheckpoint } from "../../src/weights/checkpoint.ts";
import { TINY } from "./run-cli.ts";

test("Ctrl-C finishes the step, saves, says so and ends with 130", async () => {
  const workdir = await mkdtemp(join(tmpdir(), "ocelli-interrupt-"));
  const flags = [...TINY.filter((flag) => !flag.includes("steps")), "--duration.steps=100000"];
  const program = join(import.meta.dirname, "../../bin/ocelli.js");
  const args = ["train", "quickstart", ...flags, "--log.steps=5", "--workdir", workdir, "--json"];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += String(chunk);
    if (stderr.includes("step 5/") && !child.killed) child.kill("SIGINT");
  });
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(130);
  const result = JSON.parse(stdout.trim()) as TrainResult;
  expect(result).toMatchObject({ interrupted: true, evals: {}, workdir });
  expect(stderr).toContain(`stopped after step ${result.steps}; saved ${workdir}`);
  const { card } = readCheckpoint(await readFile(join(workdir, "checkpoint.safetensors")), "saved");
  expect(card.step).toBe(result.steps);
  await rm(workdir, { recursive: true });
});
