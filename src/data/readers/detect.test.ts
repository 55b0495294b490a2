import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { detectData } from "./detect.ts";
import { put } from "../source-fixtures.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-detect-"));
  const files = [
    "npz/train.npz",
    "idx/train-images-idx3-ubyte.gz",
    "pets/cat/1.png",
    "pets/dog/1.png",
    "scans/labels.csv",
    "scans/images/1.png",
    "pets/labels.csv",
    "hub/data/train-0.parquet",
    "hub/README.md",
    "listed/metadata.csv",
    "listed/1.png",
    "flat/1.png",
    "flat/2.png",
    "mixed/a.tar",
    "mixed/b.parquet",
    "a.tar.gz",
    "a.png",
    "a.xyz",
    "tables/train.csv",
    "tables/test.csv",
  ];
  for (const file of files) await put(join(dir, file), "");
});
afterAll(() => rm(dir, { recursive: true }));

test.each([
  ["npz", "npz"],
  ["idx", "idx"],
  ["pets", "folder"],
  ["scans", "csv"],
  ["hub", "parquet"],
  ["listed", "csv"],
  ["tables", "csv"],
])("the folder %s is %s", async (path, name) => {
  expect((await detectData(join(dir, path))).name).toBe(name);
});

test("without a need for labels, a folder is all of its pictures, whatever a table beside them names", async () => {
  const listed = await detectData(join(dir, "listed"), { labels: "optional" });
  expect(listed).toEqual({ name: "folder", dir: join(dir, "listed"), labels: "none" });
  expect((await detectData(join(dir, "scans"), { labels: "optional" })).name).toBe("csv");
});

test("addresses and patterns", async () => {
  const url = "https://x.test/data/train.parquet?download=true";
  expect(await detectData(url)).toEqual({ name: "parquet", files: url });
  const pattern = "/gone/train-{00..09}.tar";
  expect(await detectData(pattern)).toEqual({ name: "tar", files: pattern });
});

test.each([
  ["gone", "there is no such file or folder. Valid are a folder with a folder per class"],
  ["flat", "has 2 images and 0 other files, but no folders. Put the images of each class"],
  ["mixed", "has files of several kinds (tar, parquet)"],
  ["a.tar.gz", "is compressed, so that its images cannot be read in any order"],
  ["a.png", "is a single image. Valid are"],
  ["a.xyz", "is no data set that is known by its name. Valid are"],
])("%s is refused", async (path, message) => {
  await expect(detectData(join(dir, path))).rejects.toThrow(message);
});
