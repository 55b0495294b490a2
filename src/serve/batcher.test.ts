/** @file Requests that arrive together share a batch; a full queue and a long wait are refused. */

import { expect, test } from "vitest";
import { createBatcher } from "./batcher.ts";

const OPTIONS = { largest: 4, queue: 6, patience: 1000 };

/** A batcher of doublings whose batches end when they are let go. */
function held(options = OPTIONS) {
  const batches: { readonly items: readonly number[]; readonly end: () => void }[] = [];
  const batcher = createBatcher(async (items: readonly number[]) => {
    await new Promise<void>((end) => batches.push({ items, end }));
    return items.map((item) => item * 2);
  }, options);
  const until = async (count: number): Promise<void> => {
    while (batches.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  return { batcher, batches, until };
}

test("what arrives while a batch runs is the next batch, at most as large as is said", async () => {
  const { batcher, batches, until } = held();
  const first = batcher.run(1);
  await until(1);
  const later = [2, 3, 4, 5, 6].map((item) => batcher.run(item));
  expect(batcher.waiting).toBe(5);
  batches[0].end();
  expect(await first).toBe(2);
  await until(2);
  expect(batches[1].items).toEqual([2, 3, 4, 5]);
  batches[1].end();
  await until(3);
  expect(batches[2].items).toEqual([6]);
  batches[2].end();
  expect(await Promise.all(later)).toEqual([4, 6, 8, 10, 12]);
});

test("a queue that is full refuses with 503, and takes again when there is room", async () => {
  const { batcher, batches, until } = held();
  const first = batcher.run(0);
  await until(1);
  const waiting = [1, 2, 3, 4, 5, 6].map((item) => batcher.run(item));
  await expect(batcher.run(7)).rejects.toMatchObject({ status: 503 });
  for (let i = 0; i < 3; i++) {
    await until(i + 1);
    batches[i].end();
  }
  expect(await first).toBe(0);
  expect(await Promise.all(waiting)).toHaveLength(6);
  const again = batcher.run(8);
  await until(4);
  batches[3].end();
  expect(await again).toBe(16);
});

test("what waited too long is refused with 504, the rest of its batch is computed", async () => {
  const { batcher, batches, until } = held({ ...OPTIONS, patience: 20 });
  const first = batcher.run(1);
  await until(1);
  const late = batcher.run(2);
  const refused = expect(late).rejects.toMatchObject({ status: 504 });
  await new Promise((resolve) => setTimeout(resolve, 40));
  const fresh = batcher.run(3);
  batches[0].end();
  await first;
  await refused;
  await until(2);
  expect(batches[1].items).toEqual([3]);
  batches[1].end();
  expect(await fresh).toBe(6);
});

test("an error of a batch is that of its items alone", async () => {
  let fails = true;
  const batcher = createBatcher((items: readonly number[]) => {
    if (fails) return Promise.reject(new Error("no"));
    return Promise.resolve(items);
  }, OPTIONS);
  await expect(Promise.all([batcher.run(1), batcher.run(2)])).rejects.toThrow("no");
  fails = false;
  expect(await batcher.run(3)).toBe(3);
});
