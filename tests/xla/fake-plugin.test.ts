/** @file Plugins that start badly are told apart in one line; a store's answers reach the plugin that asks. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createXlaEngine } from "../../src/engines/xla/index.ts";
import { connectClient } from "../../src/engines/xla/pjrt/client.ts";
import { folderStore } from "../../src/engines/xla/pjrt/store.ts";
import { hasCompiler, makePlugin } from "./fake-plugin.ts";

describe.runIf(hasCompiler)("a plugin made for a test (it needs cc)", () => {
  let folder: string;
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "ocelli-fake-"))));
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ["of an older version", { MINOR: 40 }, "speaks PJRT 0.40; 0.81 or a later 0.x is needed."],
    ["of another major version", { MAJOR: 1 }, "speaks PJRT 1.115; 0.81 or a later 0.x is needed."],
    ["with a table that is too short", { SIZE: 40 }, "speaks PJRT 0.115"],
    ["without a table", { TABLE: 0 }, "gave no function table"],
    ["whose start fails", { FAILS: 1 }, "XLA, Plugin_Initialize: no driver"],
    ["that needs what is not there", { NEEDS: 1 }, /cannot be loaded: .*missing_symbol/],
  ])("%s is refused", async (how, macros, said) => {
    const file = await makePlugin(folder, how.replaceAll(" ", "-"), macros);
    expect(() => createXlaEngine({ plugin: file })).toThrow(said);
  });

  it("reaches the other processes through a store", async () => {
    const plugin = await makePlugin(folder, "cluster");
    const store = folderStore(join(folder, "store"));
    const other = new Worker(
      `const { renameSync, writeFileSync } = require("node:fs");
       const { workerData: file } = require("node:worker_threads");
       setTimeout(() => {
         writeFileSync(file + "~", "two");
         renameSync(file + "~", file);
       }, 100);`,
      { eval: true, workerData: join(folder, "store", "key-other") },
    );
    const connected = connectClient(plugin, { num_nodes: 2, node_id: 0 }, store);
    await expect(connected).rejects.toThrow(
      "XLA, Client_Create: put own/1: one; try own/1: one; try missing: 5 nobody has written missing; " +
        "get other: two; get missing: 4 nobody wrote missing within 50 ms;",
    );
    expect(Buffer.from(store.read("own/1")!).toString()).toBe("one");
    await other.terminate();
  });
});
