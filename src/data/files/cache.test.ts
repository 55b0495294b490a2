import { expect, test } from "vitest";
import { createCache } from "./cache.ts";

test("what was not used for longest goes first; one value always stays", async () => {
  const cache = createCache<string, string>(10);
  const loads: string[] = [];
  const get = (key: string, bytes = 4) =>
    cache(key, () => {
      loads.push(key);
      return Promise.resolve({ value: key.toUpperCase(), bytes });
    });
  expect([await get("a"), await get("b"), await get("a"), await get("c")]).toEqual([
    "A",
    "B",
    "A",
    "C",
  ]);
  await get("a");
  expect(loads.join("")).toBe("abc");
  await get("b"); // pushes out c
  await get("a");
  await get("c");
  expect(loads.join("")).toBe("abcbc");
  await get("large", 99);
  await get("large");
  await get("a");
  expect(loads.join(" ")).toBe("a b c b c large a");
});

test("asked for twice at once, a value is loaded once; a failure is not kept", async () => {
  const cache = createCache<number, number>(10);
  let loads = 0;
  const load = () => Promise.resolve({ value: ++loads, bytes: 1 });
  expect(await Promise.all([cache(1, load), cache(1, load)])).toEqual([1, 1]);
  await expect(cache(2, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await cache(2, load)).toBe(2);
});
