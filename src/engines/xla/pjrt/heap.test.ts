/** @file What was freed goes back to the system, with the C library's allocator. */

import { readFileSync } from "node:fs";
import koffi from "koffi";
import { expect, it } from "vitest";
import { useLargeStacks } from "../../../native-stack.ts";
import { releaseFreed } from "./heap.ts";

/** Resident memory in kB. */
const resident = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]);

const isGlibc =
  process.platform === "linux" &&
  "glibcVersionRuntime" in (process.report.getReport() as { header: object }).header;

it.runIf(isGlibc)("pages below memory that is still in use are given back", () => {
  useLargeStacks();
  const library = koffi.load(null);
  const calloc = library.func("void *calloc(size_t count, size_t size)");
  const free = library.func("void free(void *at)");
  const size = 1 << 16; // below the sizes that the C library maps by themselves
  const memset = library.func("void *memset(void *at, int value, size_t count)");
  const blocks = Array.from({ length: 1000 }, () => calloc(1, size) as unknown);
  for (const block of blocks) memset(block, 1, size);
  const full = resident();
  for (const block of blocks.slice(0, -1)) free(block); // the last one holds the heap's end
  const before = resident();
  releaseFreed();
  expect(full - resident()).toBeGreaterThan(40_000);
  expect(full - before).toBeLessThan(40_000);
  free(blocks.at(-1));
});
