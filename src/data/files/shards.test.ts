import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileIds } from "./file-ids.ts";
import { expandBraces, expandFiles } from "./shards.ts";
import { put } from "../source-fixtures.ts";
import { splitOfFile } from "../splits/split-names.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-shards-"));
  for (const name of [
    "train-0.tar",
    "train-1.tar",
    "val-0.tar",
    "notes.txt",
    ".x.tar",
    "sub/a+.tar",
  ]) {
    await put(join(dir, name), "");
  }
});
afterAll(() => rm(dir, { recursive: true }));

const expand = async (files: Parameters<typeof expandFiles>[0]) =>
  Object.fromEntries(await expandFiles(files, /\.tar$/));

test("a short pattern that stands for very many files is an error", () => {
  expect(() => expandBraces(`${"{0..9}".repeat(9)}.tar`)).toThrow(/more than 1000000 files/);
});

test("braces", () => {
  expect(expandBraces("a-{008..010}.tar")).toEqual(["a-008.tar", "a-009.tar", "a-010.tar"]);
  expect(expandBraces("{a,b}{0..1}")).toEqual(["a0", "a1", "b0", "b1"]);
  expect(expandBraces("plain")).toEqual(["plain"]);
  expect(() => expandBraces("{5..1}")).toThrow("{5..1} is not a range");
  expect(() => expandBraces("{0..99999999}")).toThrow("is not a range");
});

test("folders, patterns, lists and files by split", async () => {
  const [zero, one, val] = ["train-0.tar", "train-1.tar", "val-0.tar"].map((name) =>
    join(dir, name),
  );
  expect(await expand(dir)).toEqual({ train: [zero, one], validation: [val] });
  expect(await expand(join(dir, "train-?.tar"))).toEqual({ train: [zero, one] });
  expect(await expand([one, zero, one])).toEqual({ train: [zero, one] });
  expect(await expand({ mine: val })).toEqual({ mine: [val] });
  expect(await expand(join(dir, "sub", "a+*"))).toEqual({ "": [join(dir, "sub", "a+.tar")] });
  expect(await expand("https://x.test/{a,b}.tar")).toEqual({
    "": ["https://x.test/a.tar", "https://x.test/b.tar"],
  });
});

test("nothing found, or splits for some files only, are errors", async () => {
  await expect(expand(join(dir, "*.zip"))).rejects.toThrow("no file fits");
  await expect(expand(join(dir, "sub", "gone", "*"))).rejects.toThrow("there is no such file");
  await expect(expandFiles(dir, /\.zip$/)).rejects.toThrow("has no files that fit");
  await expect(expand([join(dir, "train-0.tar"), join(dir, "sub/a+.tar")])).rejects.toThrow(
    "does not say to which split",
  );
});

test.each([
  ["train-00000-of-00005.parquet", "train"],
  ["imagenet2012-validation.tfrecord-00001-of-00128", "validation"],
  ["cifar_test.tar", "test"],
  ["trainer.tar", undefined],
])("the split of %s", (name, split) => expect(splitOfFile(name)).toBe(split));

test("the shortest names that tell files apart", () => {
  expect(fileIds(["/d/a.tar", "/d/b.tar"])).toEqual(["a.tar", "b.tar"]);
  expect(fileIds(["/d/x/a.tar", "/d/y/a.tar"])).toEqual(["x/a.tar", "y/a.tar"]);
  expect(fileIds(["a.tar"])).toEqual(["a.tar"]);
});
