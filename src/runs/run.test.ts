import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeAtomically } from "./atomic.ts";
import { describeEnvironment } from "./environment.ts";
import { Run, runCheckpoint, unusedFolder } from "./run.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-runs-"))));
afterAll(() => rm(dir, { recursive: true }));

test("a run writes its files and its metrics line by line", async () => {
  const folder = join(dir, "a", "run");
  const run = await Run.create(folder);
  await run.writeJson("config", { seed: 1 });
  run.log({ step: 1, loss: 2.5 });
  run.log({ step: 2, loss: 2 });
  await run.writeCheckpoint([Uint8Array.of(1), Uint8Array.of(2, 3)]);
  run.close();
  expect(await readdir(folder)).toEqual([
    "checkpoint.safetensors",
    "config.json",
    "events.tfevents",
    "metrics.jsonl",
  ]);
  expect(await readFile(run.path("metrics"), "utf8")).toBe(
    '{"step":1,"loss":2.5}\n{"step":2,"loss":2}\n',
  );
  expect([...(await readFile(runCheckpoint(folder)))]).toEqual([1, 2, 3]);
  await expect(Run.create(folder)).rejects.toThrow("already holds a run (config.json)");
});

test("a folder that cannot be made is an error that names it", async () => {
  await writeFile(join(dir, "file"), "");
  await expect(Run.create(join(dir, "file", "run"))).rejects.toThrow("a file is in its way");
  await expect(Run.create(join(dir, "file"))).rejects.toThrow("a file is in its way");
});

test("a failed atomic write leaves the old content and nothing beside it", async () => {
  const path = join(dir, "atomic", "value");
  await mkdir(join(dir, "atomic"));
  await writeAtomically(path, "old");
  const broken = [Uint8Array.of(1), null as unknown as Uint8Array];
  await expect(writeAtomically(path, broken)).rejects.toThrow();
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(join(dir, "atomic"))).toEqual(["value"]);
});

test("unused folders are numbered", async () => {
  const base = join(dir, "quickstart");
  expect(unusedFolder(base)).toBe(base);
  await mkdir(base);
  await mkdir(`${base}-2`);
  expect(unusedFolder(base)).toBe(`${base}-3`);
});

test("the environment names versions and engine", () => {
  const environment = describeEnvironment({ name: "ort", description: "ONNX Runtime" });
  expect(environment.ocelli).toMatch(/^\d+\.\d+\.\d+/);
  expect(environment.engine).toBe("ort");
});

test("a missing checkpoint says what to give", () => {
  expect(() => runCheckpoint(join(dir, "none"))).toThrow("Give the folder that");
});
