import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { prefetch } from "./prefetch.ts";

async function* count(log: string[], n: number): AsyncGenerator<number> {
  try {
    for (let i = 0; i < n; i++) {
      log.push(`make ${i}`);
      yield await Promise.resolve(i);
    }
  } finally {
    log.push("closed");
  }
}

test("one item is made ready while another is in use, and not before it was handed out", async () => {
  const log: string[] = [];
  const items = prefetch(count(log, 3), {
    load: (i) => Promise.resolve(i),
    release: () => undefined,
  });
  for await (const item of items) {
    log.push(`use ${item}`);
    await setTimeout(5);
  }
  expect(log).toEqual(["make 0", "use 0", "make 1", "use 1", "make 2", "use 2", "closed"]);
});

test("leaving early releases what was ready and closes the stream", async () => {
  const log: string[] = [];
  const options = {
    load: (i: number) => Promise.resolve(i),
    release: (i: number) => void log.push(`release ${i}`),
    depth: 2,
  };
  for await (const item of prefetch(count(log, 9), options)) if (item === 1) break;
  expect(log).toEqual(["make 0", "make 1", "make 2", "make 3", "release 2", "release 3", "closed"]);
});

test("an error surfaces where its item is awaited", async () => {
  const load = (i: number) => (i === 1 ? Promise.reject(new Error("broken")) : Promise.resolve(i));
  const items = prefetch(count([], 3), { load, release: () => undefined });
  expect((await items.next()).value).toBe(0);
  await setTimeout(5);
  await expect(items.next()).rejects.toThrow("broken");
});
