import { expect, test } from "vitest";
import { hostArray } from "../graph/dtype.ts";
import { arraySource } from "./classification/arrays.ts";
import { openMixture } from "./mixture.ts";
import { trainingOrder } from "./stream/order.ts";
import type { Dataset } from "./source.ts";
import { openSplit } from "./splits/splits.ts";

function dataset(
  name: string,
  length: number,
  classes: string[],
  splits = ["train", "test"],
): Dataset {
  const data = Uint8Array.from({ length }, (_, i) => i);
  return {
    name,
    splits,
    open: (split) =>
      Promise.resolve(
        arraySource({
          images: { shape: [length, 1, 1], dtype: "uint8", data },
          labels: { shape: [length], dtype: "uint8", data: data.map((i) => i % classes.length) },
          classes,
          name: `${name}/${split}`,
        }),
      ),
  };
}

const mixed = openMixture([
  { data: dataset("a", 10, ["cat", "dog"]), weight: 1 },
  { data: dataset("b", 20, ["dog", "eel"], ["train", "val"]), weight: 3 },
]);

test("classes of one name are one class; ids tell the part", async () => {
  const source = await openSplit(mixed, "train");
  expect(mixed.splits).toEqual(["train"]);
  expect([source.length, source.names.label]).toEqual([30, ["cat", "dog", "eel"]]);
  expect([source.id(9), source.id(10), source.id(29)]).toEqual([
    "0/a/train/9",
    "1/b/train/0",
    "1/b/train/19",
  ]);
  const labels = [0, 1, 10, 11].map(async (i) => (await source.read(i)).label.data[0]);
  expect(await Promise.all(labels)).toEqual([0, 1, 1, 2]);
  expect((await source.read(13)).image.data[0]).toBe(3);
});

test("training draws by weight", async () => {
  const visits = trainingOrder(await openSplit(mixed, "train"), 0);
  const drawn = Array.from({ length: 2000 }, () => visits.next().value.index);
  const share = drawn.filter((index) => index >= 10).length / 2000;
  expect(Math.abs(share - 0.75)).toBeLessThan(0.04); // four standard deviations
});

test("slices by percent cut every part", async () => {
  const half = await openSplit(mixed, "train[50%:]");
  expect(half.length).toBe(15);
  expect([half.id(0), half.id(5)]).toEqual(["0/a/train/5", "1/b/train/10"]);
  expect((await half.read(5)).label.data[0]).toBe(1);
  expect(half.parts?.map(({ source, weight }) => [source.length, weight])).toEqual([
    [5, 1],
    [10, 3],
  ]);
  await expect(openSplit(mixed, "train[:5]")).rejects.toThrow("is sliced by percent");
});

test("parts without a common split are refused", () => {
  const parts = ["train", "test"].map((split) => ({
    data: dataset(split, 1, ["x"], [split]),
    weight: 1,
  }));
  expect(() => openMixture(parts)).toThrow("share no split: train has train; test has test");
});

test("one class and several of a part become several of the mixture", async () => {
  const single = dataset("a", 2, ["cat", "dog"]);
  const several: Dataset = {
    name: "b",
    splits: ["train"],
    open: () =>
      Promise.resolve({
        length: 1,
        fields: { image: "image", label: "classes" },
        names: { label: ["eel", "dog"] },
        id: String,
        held: { label: () => hostArray([2], "float32", Float32Array.of(1, 1)) },
        read: () => ({
          image: hostArray([1, 1, 1], "uint8", Uint8Array.of(7)),
          label: hostArray([2], "float32", Float32Array.of(1, 1)),
        }),
      }),
  };
  const parts = [single, several].map((data) => ({ data, weight: 1 }));
  const source = await openSplit(openMixture(parts), "train");
  expect(source.fields).toEqual({ image: "image", label: "classes" });
  expect(source.names).toEqual({ label: ["cat", "dog", "eel"] });
  const labels = [0, 1, 2].map(async (i) => [...(await source.read(i)).label.data]);
  expect(await Promise.all(labels)).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 1, 1],
  ]);
  const held = source.parts!.map((part) => [...part.source.held!.label(0).data]);
  expect(held).toEqual([
    [1, 0, 0],
    [0, 1, 1],
  ]);
});
