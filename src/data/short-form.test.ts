import { expect, test } from "vitest";
import { hostArray } from "../graph/dtype.ts";
import { describeSize, shortForm } from "./short-form.ts";
import type { Source } from "./source.ts";

/** A source of which nothing may be read but the labels. */
const source = (labels: readonly number[], names: readonly string[]): Source => ({
  length: labels.length,
  fields: { image: "image", label: "class" },
  names: { label: names },
  id: String,
  held: { label: (index) => hostArray([], "int32", Int32Array.of(labels[index])) },
  read: () => {
    throw new Error("a picture was read");
  },
});

test("splits and classes in a line each, from what is held", () => {
  const train = source([0, 0, 0, 1, 1, 2], ["cat", "dog", "owl"]);
  const splits = new Map([
    ["train", train],
    ["test", source([0, 1], ["cat", "dog", "owl"])],
  ]);
  expect(shortForm(splits)).toEqual([
    "splits train 6 · test 2",
    "classes 3: 1 (owl) · 2 (dog) · 3 (cat) images",
  ]);
  expect(shortForm(new Map([["train", source([0, 1], ["a", "b"])]]))).toEqual([
    "classes 2 of 1 images each",
  ]);
});

test("of many classes the most and the least frequent", () => {
  const names = Array.from({ length: 9 }, (_, k) => `c${k}`);
  const labels = names.flatMap((_, k) => new Array<number>(k + 1).fill(k));
  expect(shortForm(new Map([["train", source(labels, names)]]))).toEqual([
    "classes 9: 1 (c0) to 9 (c8) images",
  ]);
});

test("data without classes, or whose labels are not in memory, has its sizes alone", () => {
  const { held: _, ...read } = source([0, 1], ["a", "b"]);
  const splits = new Map<string, Source>([
    ["all", read],
    ["test", { ...read, fields: { image: "image" }, names: {} }],
  ]);
  expect(shortForm(splits)).toEqual(["splits all 2 · test 2"]);
});

test("what images are of or with", () => {
  const labelled = source(new Array<number>(1200).fill(0), ["cat", "dog"]);
  expect(describeSize(labelled, labelled.names)).toBe("1,200 images of 2 classes");
  expect(describeSize(labelled, {})).toBe("1,200 images");
  const fields = { image: "image", map: "map", breed: "class" } as const;
  const names = { map: ["background", "cat"], breed: ["tabby", "siamese", "manx"] };
  expect(describeSize({ ...labelled, fields, names }, names)).toBe(
    "1,200 images with maps of 2 classes, with breed (3 names)",
  );
});
