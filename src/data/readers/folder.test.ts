import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openRanges } from "../../file-ranges.ts";
import { openBytes } from "../files/byte-file.ts";
import { openFolder } from "./folder.ts";
import { imagePaths, pathSource } from "./images.ts";
import { put } from "../source-fixtures.ts";
import { openSplit } from "../splits/splits.ts";

let dir: string;
const dirs: string[] = [];
beforeEach(async () => void dirs.push((dir = await mkdtemp(join(tmpdir(), "ocelli-folder-")))));
afterAll(() => Promise.all(dirs.map((each) => rm(each, { recursive: true }))));

const write = (...paths: string[]) => Promise.all(paths.map((path) => put(join(dir, path), path)));

async function idsOf(split: string): Promise<string[]> {
  const source = await openSplit(await openFolder({ dir }), split);
  return Array.from({ length: source.length }, (_, i) => source.id(i));
}

test.runIf(process.platform === "linux")("a name that is not UTF-8 is said to be so", async () => {
  await write("a/1.png", "b/2.png");
  const path = Buffer.concat([
    Buffer.from(join(dir, "b/caf")),
    Buffer.of(0xe9),
    Buffer.from(".png"),
  ]);
  await writeFile(path, "x");
  const source = await openSplit(await openFolder({ dir }), "all");
  await expect(source.read(2)).rejects.toThrow("caf\uFFFD.png: its name is not UTF-8; rename it.");
});

test("nested folders, any case of extension, hidden and other files", async () => {
  await write(
    "b/2.JPG",
    "b/x/y/1.png",
    "a/1.jpeg",
    "a/.hidden.png",
    ".git/1.png",
    "a/notes.txt",
    "b/z.webp",
  );
  await write("readme.md", "a/Thumbs.db");
  expect(await idsOf("all")).toEqual(["a/1.jpeg", "b/2.JPG", "b/z.webp", "b/x/y/1.png"]);
  const dataset = await openFolder({ dir });
  expect(dataset.notes).toEqual(["2 files ignored (readme.md, …)"]);
  const source = await openSplit(dataset, "all");
  expect(source.names.label).toEqual(["a", "b"]);
  const { image, label } = await source.read(3);
  expect(Buffer.from(image.data as Uint8Array).toString()).toBe("b/x/y/1.png");
  expect([...label.data]).toEqual([1]);
});

test("split folders under any usual name; classes are those of all splits", async () => {
  await write("Train/a/1.png", "Train/b/1.png", "val/b/2.png", "val/c/3.png");
  const dataset = await openFolder({ dir });
  expect(dataset.splits).toEqual(["Train", "val"]);
  expect(await idsOf("validation")).toEqual(["val/b/2.png", "val/c/3.png"]);
  expect((await openSplit(dataset, "train")).names.label).toEqual(["a", "b", "c"]);
  await expect(openSplit(dataset, "test")).rejects.toThrow('unknown split of folder "test"');
  await expect(openFolder({ dir, splits: { train: 1 } })).rejects.toThrow(
    "data.splits is for data without splits",
  );
});

test("a class may be called train where the classes are given; a split alone is divided by hashing", async () => {
  await write("train/1.png", "car/1.png");
  const vehicles = await openSplit(await openFolder({ dir, classes: ["car", "train"] }), "all");
  expect([vehicles.id(0), vehicles.id(1)]).toEqual(["car/1.png", "train/1.png"]);
  await rm(join(dir, "car"), { recursive: true });
  await write("train/car/1.png", "train/bus/1.png");
  await rm(join(dir, "train/1.png"));
  const { splits } = await openFolder({ dir });
  expect(splits).toEqual(["train", "validation", "test", "all"]);
});

test("links to files and folders are followed, but not in a circle", async () => {
  await write("a/1.png", "b/deep/2.png");
  await symlink(join(dir, "a", "1.png"), join(dir, "b", "linked.png"));
  await symlink(join(dir, "a"), join(dir, "c"));
  await symlink(join(dir, "b"), join(dir, "b", "deep", "again"));
  await symlink(join(dir, "gone"), join(dir, "b", "broken.png"));
  expect(await idsOf("all")).toEqual(["a/1.png", "b/linked.png", "b/deep/2.png", "c/1.png"]);
  expect((await openFolder({ dir })).notes).toEqual(["1 file ignored (b/broken.png)"]);
});

test("a folder that many links lead to is entered once, by its own path where there is one", async () => {
  await write("a/z/1.png", "b/1.png");
  for (let i = 0; i < 24; i++) {
    await mkdir(join(dir, "b", String(i)));
    if (i === 0) continue;
    for (const name of ["x", "y"]) await symlink(join(dir, "b", String(i)), join(dir, "b", String(i - 1), name)); // prettier-ignore
  }
  await write("b/23/deep.png");
  await symlink(join(dir, "a", "z"), join(dir, "a", "linked"));
  await symlink(dir, join(dir, "a", "up"));
  expect(await idsOf("all")).toEqual(["a/z/1.png", "b/1.png", "b/23/deep.png"]);
});

test.skipIf(process.platform === "win32")("what is no regular file is no data", async () => {
  await write("a/1.png", "b/1.png", "pictures/1.png");
  execFileSync("mkfifo", [join(dir, "a", "pipe.png"), join(dir, "pictures", "pipe.png")]);
  await symlink("/dev/zero", join(dir, "b", "zero.png"));
  expect(await idsOf("all")).toEqual(["a/1.png", "b/1.png", "pictures/1.png"]);
  expect((await openFolder({ dir })).notes).toEqual(["3 files ignored (a/pipe.png, …)"]);
  const { images } = await imagePaths([join(dir, "pictures")]);
  expect(images).toEqual([join(dir, "pictures", "1.png")]);
  const named = pathSource([join(dir, "a", "pipe.png"), join(dir, "b", "zero.png")]);
  for (const index of [0, 1]) {
    await expect(named.read(index)).rejects.toThrow("a device, a pipe or a socket, not a file");
  }
  await expect(openBytes("/dev/zero")).rejects.toThrow("a device, a pipe or a socket, not a file");
  expect(() => openRanges("/dev/zero")).toThrow("a device, a pipe or a socket, not a file");
});

test("names in any script, composed alike", async () => {
  await write("Ka\u0308fer/1.png", "蝶/1.png");
  const source = await openSplit(await openFolder({ dir }), "all");
  expect(source.names.label).toEqual(["K\u00e4fer", "蝶"]);
  expect(source.id(0)).toBe("K\u00e4fer/1.png");
  await expect(source.read(0)).resolves.toMatchObject({ label: { data: Int32Array.of(0) } });
});

test("classes may be given in another order", async () => {
  await write("a/1.png", "b/1.png");
  const source = await openSplit(await openFolder({ dir, classes: ["b", "a", "c"] }), "all");
  expect([...(await source.read(0)).label.data]).toEqual([1]);
  await expect(openFolder({ dir, classes: ["b", "aa"] })).rejects.toThrow(
    'unknown class of a/1.png "a"; valid: aa, b.',
  );
});

test("what cannot be trained on says why", async () => {
  await expect(openFolder({ dir })).rejects.toThrow(
    "has no class folders. Put the images of each class",
  );
  await write("1.png");
  await expect(openFolder({ dir })).rejects.toThrow("has 1 images, but no class folders");
  await mkdir(join(dir, "a"));
  await expect(openFolder({ dir })).rejects.toThrow("has no images");
  await write("a/1.png");
  await expect(openFolder({ dir })).rejects.toThrow(
    "has only one class: a. A classifier needs at least two",
  );
  await write("b/1.heic");
  await expect(openFolder({ dir })).rejects.toThrow(
    'the class "b" has no images that are read. 1 .heic image is not read, such as b/1.heic; JPEG,',
  );
  await expect(openFolder({ dir: join(dir, "gone") })).rejects.toThrow(
    "there is no such file or folder",
  );
});
