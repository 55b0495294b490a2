import { expect, test } from "vitest";
import { arraySource } from "../classification/arrays.ts";
import { splitByHash } from "./hashed.ts";
import { openSplit } from "./splits.ts";

const dataset = {
  name: "ten",
  splits: ["train", "test"],
  open: (split: string) =>
    Promise.resolve(
      arraySource({
        images: { shape: [10, 1, 1], dtype: "uint8", data: new Uint8Array(10) },
        labels: { shape: [10], dtype: "uint8", data: new Uint8Array(10) },
        name: `ten/${split}`,
      }),
    ),
};

test.each([
  ["train", 0, 10],
  ["test[:3]", 0, 3],
  ["train[3:]", 3, 10],
  ["train[-2:]", 8, 10],
  ["train[:-2]", 0, 8],
  ["train[20%:50%]", 2, 5],
  ["train[-10%:]", 9, 10],
  ["train[:99]", 0, 10],
])("%s", async (split, begin, end) => {
  const source = await openSplit(dataset, split);
  const ids = Array.from({ length: source.length }, (_, i) => source.id(i));
  const name = split.replace(/\[.*/, "");
  const expected = Array.from({ length: end - begin }, (_, i) => `ten/${name}/${begin + i}`);
  expect(ids).toEqual(expected);
});

test.each([
  ["tset", 'unknown split of ten "tset"; valid: test, train.'],
  ["train[5:5]", 'the split "train[5:5]" is empty: train has 10 examples.'],
  ["train[5]", "is not a name, or a slice such as train[:90%]"],
  ["train[a:]", "is not a name, or a slice"],
])("%s is refused", async (split, message) => {
  await expect(openSplit(dataset, split)).rejects.toThrow(message);
});

test("a split that no image fell into says what to do", async () => {
  const source = await dataset.open("train");
  const made = splitByHash({
    name: "few",
    source,
    shares: { train: 99_998, validation: 1, test: 1 },
  });
  await expect(openSplit(made, "validation")).rejects.toThrow(
    `the split "validation" is empty: the images were divided by their names into train 9, validation 0, test 1. Add images, or give validation a larger share: --data.splits '{"train":60,"validation":40}'.`,
  );
});

test("slices of a split drawn by hash are apart, cover it, and keep the data's order", async () => {
  const idsOf = async (split: string): Promise<number[]> => {
    const source = await openSplit(dataset, split);
    return Array.from({ length: source.length }, (_, i) => Number(source.id(i).split("/").at(-1)));
  };
  const first = await idsOf("train~[:40%]");
  const rest = await idsOf("train~[40%:]");
  expect(first).toHaveLength(4);
  expect(first).not.toEqual([0, 1, 2, 3]); // not the data's first
  const rising = (a: number, b: number): number => a - b;
  expect(first).toEqual(first.toSorted(rising));
  expect([...first, ...rest].sort(rising)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await idsOf("train~[:40%]")).toEqual(first);
  expect(await idsOf("train~")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
