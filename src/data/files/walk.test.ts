/** @file A walk that is limited ends with an error, and leaves others alone. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { walkFolder, withWalkLimit } from "./walk.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-walk-"));
  for (const folder of ["a", "b", "c"]) {
    await mkdir(join(dir, folder));
    for (let i = 0; i < 4; i++) await writeFile(join(dir, folder, `${i}.png`), "");
  }
});
afterAll(() => rm(dir, { recursive: true }));

test("so many entries, and no more", async () => {
  const count = async () => (await walkFolder(dir)).files.length;
  expect(await withWalkLimit({ entries: 15, seconds: 60 }, count)).toBe(12); // and three folders
  const [less, free] = await Promise.allSettled([
    withWalkLimit({ entries: 14, seconds: 60 }, count),
    count(),
  ]);
  const message = `the data has more than 14 files and folders; it was left at ${join(dir, "c")}.`;
  expect(less).toHaveProperty("reason.message", expect.stringContaining(message));
  expect(free).toMatchObject({ value: 12 });
});

test("so long, and no longer", async () => {
  const late = withWalkLimit({ entries: 1000, seconds: 0.01 }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return walkFolder(dir);
  });
  await expect(late).rejects.toThrow("listing the data takes longer than 0.01 s");
});
