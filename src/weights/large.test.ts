/** @file Files above 2 GiB, which no buffer holds: states and exported models. Only with OCELLI_LONG=1. */

import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostArray } from "../graph/dtype.ts";
import { CheckpointStore } from "../runs/checkpoints.ts";
import { readStateFile } from "./checkpoint-file.ts";
import { stateChunks } from "./checkpoint-state.ts";

const LIMIT = 2 ** 31;
const TIMEOUT = 300_000;

describe.runIf(process.env.OCELLI_LONG === "1")("above 2 GiB", () => {
  let dir: string;
  beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-large-"))));
  afterAll(() => rm(dir, { recursive: true }));

  /** 200 MB of numbers that tell arrays apart. */
  const ELEMENTS = 50_000_000;
  const numbers = (i: number) =>
    hostArray([ELEMENTS], "float32", new Float32Array(ELEMENTS).fill(i).fill(-i, ELEMENTS - 1));

  test("a state is written and read array by array", { timeout: TIMEOUT }, async () => {
    const store = new CheckpointStore(join(dir, "checkpoints"));
    const names = Array.from({ length: 11 }, (_, i) => `params/layer_${i}`);
    const state = (step: number) => ({
      arrays: Object.fromEntries(
        names.map((name, i) => {
          const read = () => numbers(i + step);
          return [name, { shape: [ELEMENTS], dtype: "float32" as const, read }];
        }),
      ),
      loop: { step },
    });
    const before = process.memoryUsage.rss();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
    for (const step of [1, 2]) await store.write(step, stateChunks(state(step)), { keep: 2 });
    expect((await stat(store.path(2))).size).toBeGreaterThan(LIMIT);

    await using file = await open(store.path(2), "r+");
    await file.write(new Uint8Array([1]), 0, 1, LIMIT + 5);
    const found = await store.newest((path) => readStateFile<{ step: number }>(path));
    expect(found?.damaged).toEqual(["step-000000002.safetensors"]);
    expect(found?.value.loop).toEqual({ step: 1 });
    for (const [i, name] of names.entries()) {
      const { data } = await found!.value.arrays[name].read();
      expect([data.length, data[0], data.at(-1)]).toEqual([ELEMENTS, i + 1, -i - 1]);
    }
    clearInterval(watch);
    expect(most - before).toBeLessThan(LIMIT / 2); // arrays of the past are freed late
  });
});
