import { expect, test } from "vitest";
import { arraySource } from "../classification/arrays.ts";
import { DEFAULT_SHARES, describeSplits, splitByHash, splitOf } from "./hashed.ts";
import { openSplit } from "./splits.ts";

const array = (shape: number[]) => {
  const data = new Uint8Array(shape.reduce((a, b) => a * b, 1));
  return { shape, dtype: "uint8" as const, data };
};
const source = arraySource({ images: array([1000, 1, 1]), labels: array([1000]), name: "many" });

test("an id always falls into the same split", () => {
  const splits = ["a/1.png", "a/2.png", "b/1.png", "b/7.png", "käfer.jpg", ""].map((id) =>
    splitOf(id, DEFAULT_SHARES),
  );
  expect(splits).toMatchInlineSnapshot(`
    [
      "test",
      "train",
      "train",
      "train",
      "train",
      "train",
    ]
  `);
});

test("shares are kept, and the splits are disjoint", async () => {
  const dataset = splitByHash({ name: "many", source });
  const { splits, shares } = await describeSplits(dataset);
  expect(shares).toEqual({ train: 80, validation: 10, test: 10 });
  const sizes = Object.values(splits).map((ids) => ids.length);
  expect(Object.keys(splits)).toEqual(["train", "validation", "test"]);
  expect(sizes.reduce((a, b) => a + b)).toBe(1000);
  expect(new Set(Object.values(splits).flat()).size).toBe(1000);
  // Within four standard deviations of 800 and 100.
  expect(Math.abs(sizes[0] - 800)).toBeLessThan(51);
  expect(Math.abs(sizes[1] - 100)).toBeLessThan(38);
});

test("slices, other words and other shares", async () => {
  const dataset = splitByHash({ name: "many", source, shares: { train: 1, test: 1 } });
  const train = await openSplit(dataset, "train");
  const first = await openSplit(dataset, "training[:50%]");
  expect(first.length).toBe(Math.round(train.length / 2));
  expect(first.id(3)).toBe(train.id(3));
  expect((await train.read(3)).image.shape).toEqual([1, 1, 1]);
  await expect(openSplit(dataset, "validation")).rejects.toThrow("valid: train, all, test");
  expect(() => splitByHash({ name: "many", source, shares: { all: 1 } })).toThrow(
    '"all" is every example',
  );
});
