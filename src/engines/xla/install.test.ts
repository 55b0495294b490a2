/** @file Installing plugins: what is checked, and what is left behind when that fails. */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { serveIndex, wheelAnswers, wheelOf } from "../../packages/index-fixtures.ts";
import { openEngine } from "../select.ts";
import { createXlaEngine } from "./index.ts";
import { installPlugin } from "./install.ts";
import { installOwnPlugin, ownPlugins } from "./own-plugins.ts";
import { installedPlugins, libraryPath } from "./plugins.ts";

const installed = installedPlugins().includes("xla-cpu");
const library = libraryPath("xla-cpu");

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "ocelli-install-"))));
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => vi.stubEnv("OCELLI_CACHE", join(folder, "cache")));
afterEach(() => vi.unstubAllEnvs());

describe("a pinned plugin", () => {
  it("must have the pinned sha256", async () => {
    await using index = await serveIndex(
      wheelAnswers({
        "lammps_jax_pjrt_cpu-0.11.2-py3-none-any.whl": wheelOf({
          "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so": "other",
        }),
        "tbb-2023.2.0-py3-none-any.whl": wheelOf({
          "tbb-2023.2.0.data/data/lib/libtbbmalloc.so.2": "",
          "tbb-2023.2.0.data/data/lib/libtbbmalloc_proxy.so.2": "",
        }),
      }),
    );
    vi.stubEnv("PIP_CONFIG_FILE", "/dev/null");
    vi.stubEnv("PIP_FIND_LINKS", "");
    vi.stubEnv("PIP_INDEX_URL", index.url);
    await expect(installPlugin("xla-cpu")).rejects.toThrow(
      /xla-cpu: pjrt_c_api_cpu_plugin.so has sha256 [0-9a-f]{64}, not the pinned ad1309ac.* Nothing was installed/,
    );
    expect(installedPlugins()).toEqual([]);
    expect(await readdir(join(folder, "cache", "engines", "xla-cpu"))).toEqual([]);
  });
});

describe("a plugin of one's own", () => {
  it("has a name that says what it is, and is its own", async () => {
    await expect(installOwnPlugin("ort", "plugin.so")).rejects.toThrow(
      '"ort" is no name for a plugin. Use xla- followed by lower-case letters',
    );
    await expect(installOwnPlugin("xla-../x", "plugin.so")).rejects.toThrow("is no name");
    await expect(installOwnPlugin("xla-cpu", "plugin.so")).rejects.toThrow(
      "xla-cpu is the name of a pinned plugin; give FILE another one, such as xla-own.",
    );
  });

  it("is not recorded when it is no plugin", async () => {
    const file = join(folder, "missing.so");
    await expect(installOwnPlugin("xla-none", file)).rejects.toThrow("missing.so does not exist");
    expect(ownPlugins()).toEqual([]);
    await expect(openEngine("xla-none")).rejects.toThrow('unknown engine "xla-none"; valid: ');
  });

  it.runIf(installed)("is taken by its name", async () => {
    const own = await installOwnPlugin("xla-own", library);
    expect(own).toMatchObject({ platform: "cpu", library });
    expect(ownPlugins()).toEqual(["xla-own"]);
    const engine = await openEngine("xla-own", { mesh: { data: 2 } });
    expect(engine.name).toBe("xla-own");
    expect(engine.description).toMatch(/^XLA on 2 × cpu, mesh data=2, build sha256:ad1309ac822b,/);
    await engine.dispose();
  });

  it("is refused when its file has changed or gone", async () => {
    const file = join(folder, "changing.so");
    const home = join(folder, "cache", "engines", "xla-changing");
    await writeFile(file, "one");
    await utimes(file, 1000, 1000);
    await mkdir(home, { recursive: true });
    const record = { name: "xla-changing", library: file, bytes: 3, modified: 1_000_000 };
    await writeFile(join(home, "own-plugin.json"), JSON.stringify({ ...record, sha256: "0" }));
    const opening = () => createXlaEngine({ plugin: "xla-changing" });
    expect(opening).toThrow(`${file} is no shared library`);
    await utimes(file, 2000, 2000);
    expect(opening).toThrow(
      `the plugin xla-changing was installed as ${file}, which has changed since. Install it again: ocelli engines install xla-changing --plugin FILE`,
    );
    await rm(file);
    expect(opening).toThrow("which does not exist");
    expect(existsSync(home)).toBe(true);
  });
});
