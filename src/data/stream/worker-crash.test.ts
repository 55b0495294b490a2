/** @file A worker thread that ends with examples in hand: those are rejected, and later ones made ready by another. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDefinition, rememberFile } from "../../define.ts";
import { hostArray } from "../../graph/dtype.ts";
import { type Operation, defineOperation } from "../../preprocess/operation.ts";
import { OPERATIONS } from "../../preprocess/operations.ts";
import { WorkerCrash, createWorkerPool } from "./workers.ts";

/** Ends its thread where a picture begins with 1, fails outside of any promise where it begins with 2. */
const FRAGILE = `export const fragile = { kind: "operation", name: "fragile", parameters: {}, bind: () => ({
  host(example) {
    const [first] = example.image.data;
    if (first === 1) process.exit(7);
    if (first === 2) process.nextTick(() => { throw new Error("late trouble."); });
    return example;
  } }) };`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-crash-"));
  const file = join(dir, "fragile.mjs");
  await writeFile(file, FRAGILE);
  const bind = (): Operation => ({ host: (example) => example });
  const fragile = defineOperation({ name: "fragile", parameters: {}, bind });
  rememberFile(fragile, file);
  addDefinition("operation", OPERATIONS, fragile);
});
afterAll(async () => {
  OPERATIONS.pop();
  await rm(dir, { recursive: true });
});

/** A picture of one pixel that begins with a value. */
const picture = (first: number) => () => ({
  features: { image: hostArray([1, 1, 3], "uint8", Uint8Array.of(first, 0, 0)) },
  key: [0],
  id: String(first),
});

test("a thread that ends rejects what it has in hand, and another takes its place", async () => {
  using workers = createWorkerPool(2);
  const ask = (first: number) => workers.prepare("fragile", picture(first));
  for (let round = 0; round < 3; round++) {
    const crashed = await ask(1).catch((error: unknown) => error);
    expect(crashed).toBeInstanceOf(WorkerCrash);
    expect(crashed).toMatchObject({ message: "a data worker crashed: it ended with code 7." });
    expect(await ask(5)).toMatchObject({ features: { image: { shape: [1, 1, 3] } } });
  }
  // more than the pool holds at a time: all are answered, whatever became of their neighbours
  const many = await Promise.allSettled(
    Array.from({ length: 40 }, (_, i) => ask(i % 10 === 9 ? 1 : 5)),
  );
  many.forEach((one, i) => {
    if (i % 10 === 9) expect(one.status).toBe("rejected");
    else if (one.status === "rejected") expect(one.reason).toBeInstanceOf(WorkerCrash);
  });
  expect(await ask(5)).toMatchObject({ features: { image: { shape: [1, 1, 3] } } });
});

test("an error that no promise holds is the reason of the crash", async () => {
  using workers = createWorkerPool(1);
  const outcomes = await Promise.allSettled(
    [2, 5, 5, 5].map((first) => workers.prepare("fragile", picture(first))),
  );
  const reasons = outcomes.flatMap((one) =>
    one.status === "rejected" ? [String(one.reason)] : [],
  );
  expect(new Set(reasons)).toEqual(new Set(["OcelliError: a data worker crashed: late trouble."]));
  expect(await workers.prepare("fragile", picture(5))).toHaveProperty("features");
});

test("after its disposal a pool says that it has ended", async () => {
  const workers = createWorkerPool(1);
  const under = workers.prepare("fragile", picture(5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  workers[Symbol.dispose]();
  await expect(under).rejects.toThrow(/have ended/);
  await expect(workers.prepare("fragile", picture(5))).rejects.toThrow(/have ended/);
});
