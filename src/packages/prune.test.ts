import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pruneFolder, touch } from "./prune.ts";

test("what was not used for longest goes first, and the newest stays", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ocelli-prune-"));
  try {
    await mkdir(join(folder, "a"));
    const files = ["a/1", "a/2", "3", "4"].map((name) => join(folder, name));
    for (const [age, file] of files.entries()) {
      await writeFile(file, new Uint8Array(100));
      const then = new Date(2026, 0, 1 + age);
      await utimes(file, then, then);
    }
    const left = async () => [...(await readdir(folder)), ...(await readdir(join(folder, "a")))];
    await pruneFolder(folder, 400, files[3]);
    expect(await left()).toEqual(["3", "4", "a", "1", "2"]);
    await touch(files[0]);
    await pruneFolder(folder, 250, files[3]);
    expect(await left()).toEqual(["4", "a", "1"]);
    await pruneFolder(folder, 50, files[3]);
    expect(await left()).toEqual(["4", "a"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
