import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freeName, imagePaths, imageStem, pathSource } from "./images.ts";
import { put, serveFiles } from "../source-fixtures.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-images-"))));
afterAll(() => rm(dir, { recursive: true }));

test("folders are walked as those of a data set are", async () => {
  const at = (path: string): string => join(dir, "walked", path);
  for (const path of [
    "red.png",
    "photos.jpg/blue.PNG",
    "._red.png",
    ".ipynb_checkpoints/red-checkpoint.png",
    "@eaDir/red.png",
    "notes.txt",
    "scan.heic",
  ]) {
    await put(at(path), path);
  }
  await symlink(at("gone"), at("link.png"));
  const { images, folders, notes } = await imagePaths([at("")]);
  expect(images).toEqual([at("photos.jpg/blue.PNG"), at("red.png")]);
  expect(folders).toBe(1);
  expect(notes).toEqual([
    `left out ${at("link.png")}: it is no file`,
    "left out: 1 .heic image is not read, such as scan.heic; JPEG, PNG, WebP, GIF, AVIF and TIFF are read",
  ]);
});

test("what cannot be read is named where nothing else is there", async () => {
  const at = (path: string): string => join(dir, "unread", path);
  await put(at("a.svg"), "<svg/>");
  await expect(imagePaths([at("a.svg")])).rejects.toThrow("1 .svg image is not read, such as");
  await expect(imagePaths([at("")])).rejects.toThrow("has no images that are read: 1 .svg image");
  await put(join(dir, "none", "a.txt"), "");
  await expect(imagePaths([join(dir, "none")])).rejects.toThrow("none has no images.");
  await symlink(at("gone"), at("link.png"));
  await expect(imagePaths([at("link.png")])).rejects.toThrow("there is no such file or folder");
});

test("an image at an address is read whole, from servers without ranges too", async () => {
  await put(join(dir, "served", "a b.png"), "picture");
  const { url, server } = await serveFiles(join(dir, "served"), (request, response) => {
    if (request.url!.endsWith("/whole.png")) return !!response.end("whole");
    request.headers.range ??= "bytes=0-999"; // this server knows ranges alone
    return false;
  });
  try {
    const { images, folders } = await imagePaths([`${url}/whole.png`, `${url}/gone.png`]);
    expect([images, folders]).toEqual([[`${url}/whole.png`, `${url}/gone.png`], 0]);
    const source = pathSource(images);
    const { image } = await source.read(0);
    expect(Buffer.from(image.data as Uint8Array).toString()).toBe("whole");
    await expect(source.read(1)).rejects.toThrow(
      `cannot read ${url}/gone.png: there is no such file.`,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test.each([
  ["photos/cat 1.jpg", "cat 1"],
  ["-", "standard-input"],
  ["https://example.org/a/cat%201.jpg?size=2#x", "cat 1"],
  ["https://example.org/a/..%2F..%2Fetc%2Fpasswd", "passwd"],
  ["https://example.org/100%.png", "100_"],
  ["https://example.org/", "image"],
])("files made of %s are called %s", (path, stem) => expect(imageStem(path)).toBe(stem));

test("names that a disk would take for one another get numbers", () => {
  const taken = new Set<string>();
  const free = ["cat", "CAT", "cat-2", "dog", "cat"].map((name) => freeName(name, taken));
  expect(free).toEqual(["cat", "CAT-2", "cat-2-2", "dog", "cat-3"]);
});
