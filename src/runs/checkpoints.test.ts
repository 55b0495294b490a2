import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { concatBytes } from "../formats/bytes.ts";
import { fromNumbers } from "../graph/dtype.ts";
import { readStateFile } from "../weights/checkpoint-file.ts";
import { readState, stateChunks } from "../weights/checkpoint-state.ts";
import { CheckpointStore, superfluous } from "./checkpoints.ts";
import { describeChanges, describeEnvironment } from "./environment.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-checkpoints-"))));
afterAll(() => rm(dir, { recursive: true }));

const chunksOf = (step: number) =>
  stateChunks({ arrays: { w: fromNumbers([step, 1], [2], "float32") }, loop: { step } });
const read = (file: string) => readStateFile<{ step: number }>(file).loop.step;

test("the policy keeps the newest and those at multiples", () => {
  const steps = [10, 20, 30, 40, 50];
  expect(superfluous(steps, { keep: 2 })).toEqual([10, 20, 30]);
  expect(superfluous(steps, { keep: 1, keepEvery: 20 })).toEqual([10, 30]);
  expect(superfluous(steps, { keep: 0 })).toEqual([10, 20, 30, 40]);
  expect(superfluous([10], { keep: 2 })).toEqual([]);
});

test("the newest whole checkpoint is read, and damaged ones are named", async () => {
  const store = new CheckpointStore(join(dir, "store"));
  expect(await store.newest(read)).toBeUndefined();
  for (const step of [1, 2, 3, 4]) await store.write(step, chunksOf(step), { keep: 3 });
  expect(await store.steps()).toEqual([2, 3, 4]);
  expect(await store.newest(read)).toEqual({ value: 4, damaged: [] });
  const whole = await readFile(store.path(4));
  await writeFile(store.path(4), whole.subarray(0, whole.length - 1));
  const changed = await readFile(store.path(3));
  changed[changed.length - 1] ^= 1;
  await writeFile(store.path(3), changed);
  expect(await store.newest(read)).toEqual({
    value: 2,
    damaged: ["step-000000004.safetensors", "step-000000003.safetensors"],
  });
  await writeFile(store.path(2), "");
  await expect(store.newest(read)).rejects.toThrow("is whole.");
});

test("leftovers of an interrupted write are removed and do not count", async () => {
  const store = new CheckpointStore(join(dir, "left"));
  await mkdir(store.folder);
  await writeFile(`${store.path(5)}.partial`, "half");
  expect(await store.steps()).toEqual([]);
  await store.clean();
  expect(await readdir(store.folder)).toEqual([]);
});

test("a state reads back as it was written", async () => {
  const mu = fromNumbers([1, 2], [2], "bfloat16");
  const kernel = fromNumbers([0.5, 2, 3], [1, 3], "float32");
  const loop = { step: 3, sums: { loss: 0.1 + 0.2 } };
  const arrays = { optimizer: { mu: { ...mu, read: () => mu } }, params: { kernel } };
  const chunks: Uint8Array[] = [];
  for await (const chunk of stateChunks({ arrays, loop })) chunks.push(chunk);
  const stored = readState(concatBytes(chunks));
  expect(stored.loop).toEqual(loop);
  expect(Object.keys(stored.arrays)).toEqual(["params/kernel", "optimizer/mu"]);
  expect(await stored.arrays["optimizer/mu"].read()).toEqual(mu);
  expect(await stored.arrays["params/kernel"].read()).toEqual(kernel);
});

test("what may change numbers is told, the rest is not", () => {
  const now = describeEnvironment({ name: "ort", description: "2 threads" });
  expect(describeChanges(now, { ...now, node: "0.0.0", memoryBytes: 1 })).toEqual([]);
  expect(describeChanges({ ...now, engineDescription: "4 threads" }, now)).toEqual([
    "engine build: 4 threads before, 2 threads now",
  ]);
});
