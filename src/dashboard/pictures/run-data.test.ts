/** @file Runs whose data makes no sense, or is more than is listed. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluateModelOn } from "../../index.ts";
import { RunDataStore } from "./run-data.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-run-data-"))));
afterAll(() => rm(dir, { recursive: true }));

async function runOf(data: unknown): Promise<string> {
  const folder = await mkdtemp(join(dir, "run-"));
  await writeFile(join(folder, "config.json"), JSON.stringify({ name: "it", data }));
  return folder;
}

test.each([
  [{ name: "folder", dir: 5 }, "data.dir must be a string, not 5."],
  [{ name: "foldr", dir: "pets" }, "data.name must be one of folder, "],
  [{ name: "folder" }, "data.dir is missing; it must be a string."],
  ["pets", 'data must be an object, not "pets".'],
  [null, "data must be an object, not null."],
  [{ name: "mixture", parts: [{ weight: 1 }] }, "data.parts.0.data is missing"],
])("of %j the key is named", async (data, problem) => {
  const folder = await runOf(data);
  const opened = [() => new RunDataStore().of(folder), () => evaluateModelOn(folder, undefined)];
  for (const open of opened) {
    const error = (await open().catch((thrown: unknown) => thrown)) as Error;
    expect(error).toHaveProperty("code", "data");
    expect(error.message).toContain(`${join(folder, "config.json")}: ${problem}`);
  }
});

test("of a folder no more is listed than the limit", async () => {
  const pets = join(dir, "pets");
  for (const kind of ["cat", "dog"]) {
    await mkdir(join(pets, kind), { recursive: true });
    for (let i = 0; i < 5; i++) await writeFile(join(pets, kind, `${i}.png`), "");
  }
  const folder = await runOf({ name: "folder", dir: pets });
  expect((await new RunDataStore().of(folder)).splits).toContain("train");
  const opened = new RunDataStore({ entries: 11, seconds: 60 }).of(folder);
  await expect(opened).rejects.toThrow("more than 11 files and folders");
});
