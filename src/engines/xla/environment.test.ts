/** @file Which allocator a process is started again with, and what programs that are not ours see of it. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { environmentWith, launchEnvironment, plainEnvironment } from "./environment.ts";
import { pinnedFiles, pluginFolder } from "./plugins.ts";

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "ocelli-environment-"))));
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  for (const name of ["LD_PRELOAD", "GLIBC_TUNABLES", "OCELLI_STARTED_WITH"]) vi.stubEnv(name, "");
  vi.stubEnv("OCELLI_CACHE", join(folder, "none"));
});
afterEach(() => vi.unstubAllEnvs());

describe.runIf(process.platform === "linux")("the allocator of a process", () => {
  it("is the plugin's own, a better one of the system, or glibc's with settings", async (context) => {
    const without = launchEnvironment();
    context.skip(without.LD_PRELOAD !== undefined, "this system has tcmalloc, which comes first");
    expect(without.GLIBC_TUNABLES).toContain("glibc.malloc.mmap_max=0");
    vi.stubEnv("OCELLI_CACHE", join(folder, "cache"));
    const files = Object.keys(pinnedFiles("xla-cpu"))
      .slice(1)
      .map((path) => join(pluginFolder("xla-cpu"), path));
    for (const file of files) {
      expect(launchEnvironment()).toEqual(without); // not before all of it is there
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, "");
    }
    expect(launchEnvironment()).toEqual({
      LD_PRELOAD: files.join(":"),
      TBB_MALLOC_SET_HUGE_SIZE_THRESHOLD: "8388608",
    });
  });

  it("stays what the user has set", () => {
    vi.stubEnv("LD_PRELOAD", "/lib/other.so");
    expect(launchEnvironment()).toEqual({});
  });
});

it("programs that are not ours run in the environment of before", () => {
  vi.stubEnv("LD_PRELOAD", undefined);
  vi.stubEnv("OCELLI_STARTED_WITH", undefined);
  const before = { ...process.env };
  for (const [name, value] of Object.entries(environmentWith({ LD_PRELOAD: "/lib/a.so" }))) {
    vi.stubEnv(name, value);
  }
  expect(process.env.LD_PRELOAD).toBe("/lib/a.so");
  expect(plainEnvironment()).toEqual(before);
});
