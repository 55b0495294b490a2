import { expect, test } from "vitest";
import { arraySource } from "../../data/classification/arrays.ts";
import { selectSource } from "../../data/source.ts";
import { emptyClasses, notesOnClasses, pickExamples } from "./shots.ts";

const labels = [0, 0, 0, 0, 1, 2, 2];
const source = arraySource({
  images: { shape: [labels.length, 1, 1], dtype: "uint8", data: new Uint8Array(labels.length) },
  labels: { shape: [labels.length], dtype: "uint8", data: Uint8Array.from(labels) },
  classes: ["a", "b", "c", "d", "e"],
  name: "few",
});

test("classes without training images are named", () => {
  expect(notesOnClasses(source)).toEqual([
    "2 classes have no training images and cannot be learned: d, e",
  ]);
  expect(emptyClasses(source)).toEqual(["d", "e"]);
  const train = selectSource(source, Uint32Array.of(0, 5));
  expect(emptyClasses(train)).toEqual(["b", "d", "e"]);
  expect(emptyClasses({ ...train, held: undefined })).toEqual([]);
});

test("classes with fewer images than shots are named, with how many they have", async () => {
  const picked = await pickExamples(source, 3, 0);
  expect(picked.length).toBe(6);
  expect(notesOnClasses(picked, 3)).toEqual([
    "2 classes have no training images and cannot be learned: d, e",
    "2 classes have fewer than 3 images: b (1), c (2)",
  ]);
  expect(notesOnClasses(await pickExamples(source, 1, 0), 1)).toHaveLength(1);
});

test("many classes are counted", () => {
  const classes = Array.from({ length: 20 }, (_, k) => String(k));
  expect(notesOnClasses({ ...source, names: { label: classes } })).toEqual([
    "17 classes have no training images and cannot be learned: 3, 4, 5, 6, 7, 8, 9, 10, … 9 more",
  ]);
});
