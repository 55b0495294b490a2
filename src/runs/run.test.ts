import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEnvironment } from "./environment.ts";
import { runCheckpoint } from "./checkpoint-path.ts";
import { Run, makeUnusedFolder } from "./run.ts";

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

test("what a killed start left is cleared away; a run is not", async () => {
  const folder = join(dir, "started");
  const run = await Run.create(folder);
  await run.writeJson("environment", { engine: "old" });
  run.close();
  await writeFile(join(folder, "value.json.0123456789abcdef.partial"), "half");
  (await Run.create(folder)).close();
  expect(await readdir(folder)).toEqual([]);

  const probe = await Run.create(folder); // its files are all written at its end
  await probe.writeJson("config", { transfer: { method: "linear" } });
  await probe.writeCheckpoint([Uint8Array.of(1)]);
  probe.close();
  const again = await Run.create(folder);
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^writer-.*\.lock$/)]);
  await again.writeJson("config", { transfer: { method: "linear" } });
  await again.writeJson("result", { accuracy: 1 });
  again.close();
  await expect(Run.create(folder)).rejects.toThrow("already holds a run (config.json)");
});

test("links inside a run folder are followed neither for writing nor for reading", async () => {
  const outside = join(dir, "outside");
  await mkdir(outside);
  for (const name of ["metrics.jsonl", "result.json", "config.json", "checkpoint.safetensors"]) {
    await writeFile(join(outside, name), '{"mine":1}');
  }
  const folder = join(dir, "hostile");
  await mkdir(folder);
  for (const name of ["checkpoints", "augmented"]) await symlink(outside, join(folder, name));
  const run = await Run.create(folder);
  const link = (name: string) => symlink(join(outside, name), join(folder, name));
  await link("metrics.jsonl");
  expect(() => run.log({ step: 1 })).toThrow("a link is in its way");
  expect(() => run.rewind()).toThrow("a link is in its way");
  await link("result.json");
  expect(await run.readJson("result")).toBeUndefined();
  await run.writeJson("result", { interrupted: true });
  await expect(run.writePictures([Uint8Array.of(1)])).rejects.toThrow("a link is in");
  expect(await run.checkpoints.steps()).toEqual([]);
  await expect(run.checkpoints.write(1, [], { keep: 1 })).rejects.toThrow("a link is in its way");
  run.close();
  await link("config.json");
  await expect(Run.reopen(folder)).rejects.toThrow("config.json is damaged, or a link");
  await link("checkpoint.safetensors");
  expect(() => runCheckpoint(folder)).toThrow("is a link, which is not followed in a run folder");
  for (const name of await readdir(outside)) {
    expect(await readFile(join(outside, name), "utf8")).toBe('{"mine":1}');
  }
  expect(await readdir(outside)).toHaveLength(4);
});

test("unused folders are numbered, and no two calls get the same", async () => {
  const base = join(dir, "new", "quickstart");
  const made = await Promise.all([1, 2, 3].map(() => makeUnusedFolder(base)));
  expect(made.sort()).toEqual([base, `${base}-2`, `${base}-3`]);
});

test("the environment names versions and engine", () => {
  const environment = describeEnvironment({ name: "ort", description: "ONNX Runtime" });
  expect(environment.ocelli).toMatch(/^\d+\.\d+\.\d+/);
  expect(environment.engine).toBe("ort");
});

test("a missing checkpoint says what to give", () => {
  expect(() => runCheckpoint(join(dir, "none"))).toThrow("Give the folder that");
});
