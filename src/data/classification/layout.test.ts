import { expect, test } from "vitest";
import { layoutOf } from "./layout.ts";
import { treeOf } from "../readers/tree-of-images.ts";

/** The layout of paths, in short: splits with the images of each class, and the notes. */
function arrange(paths: readonly string[], classes?: readonly string[]) {
  const { parts, notes, loose } = layoutOf(treeOf(paths), { place: "data", classes });
  const splits = Object.fromEntries(
    [...parts].map(([split, part]) => [
      split,
      part.labels.map((label, i) => [label, part.paths[i]]),
    ]),
  );
  return { splits, notes, loose };
}

const classesOf = ({ splits }: ReturnType<typeof arrange>) =>
  Object.fromEntries(
    Object.entries(splits).map(([split, some]) => [split, some.map(([label]) => label).join(" ")]),
  );

test("class folders", () => {
  const { splits, notes } = arrange(["a/1.png", "b/2.png", "b/deep/3.png"]);
  expect(splits).toEqual({
    "": [
      ["a", "a/1.png"],
      ["b", "b/2.png"],
      ["b", "b/deep/3.png"],
    ],
  });
  expect(notes).toEqual([]);
});

test.each([
  ["train", "test"],
  ["Training", "Validation"],
  ["TRAIN", "Val"],
  ["training_set", "test_set"],
  ["train2017", "val2017"],
  ["Train Data", "dev-data"],
  ["trainingSet", "testSet"],
  ["seg_train", "seg_test"],
  ["trainset", "testset"],
])("%s and %s are splits", (train, other) => {
  const made = arrange([`${train}/a/1.png`, `${train}/b/2.png`, `${other}/a/3.png`]);
  expect(classesOf(made)).toEqual({ [train]: "a b", [other]: "a" });
  expect(made.notes).toEqual([]);
});

test.each([
  ["flat", ["test/1.png", "test/2.png"]],
  ["flat in a folder of that name", ["test/test/1.png", "test/test/2.png"]],
  ["flat in a folder of images", ["test/images/1.png", "test/images/2.png"]],
])("a split without labels, %s, is left out with a note", (_, images) => {
  const made = arrange(["train/a/1.png", "train/b/2.png", ...images]);
  expect(classesOf(made)).toEqual({ train: "a b" });
  expect(made.notes).toEqual(["test is left out: its 2 images have no labels"]);
});

test("a split whose only folder is no class elsewhere is left out", () => {
  const made = arrange(["train/a/1.png", "train/b/2.png", "test/unknown/3.png"]);
  expect(classesOf(made)).toEqual({ train: "a b" });
  expect(made.notes).toEqual([
    "test is left out: its 1 image has no labels: its only folder, unknown, is in no other split",
  ]);
  expect(classesOf(arrange(["train/a/1.png", "train/b/2.png", "test/b/3.png"]))).toEqual({
    train: "a b",
    test: "b",
  });
});

test("a folder called like a split is no class beside classes, unless the classes name it", () => {
  const paths = ["cat/1.png", "dog/2.png", "test/3.png"];
  const made = arrange(paths);
  expect(classesOf(made)).toEqual({ "": "cat dog" });
  expect(made.notes).toEqual([
    "test is left out: its 1 image has no labels; name it among data.classes if it is a class",
  ]);
  expect(classesOf(arrange(paths, ["cat", "dog", "test"]))).toEqual({ "": "cat dog test" });
});

test("further splits go by their own names; what has none of the classes is left out", () => {
  const made = arrange([
    "train/a/1.png",
    "train/b/2.png",
    "val/a/3.png",
    "holdout/b/4.png",
    "samples/5.png",
  ]);
  expect(classesOf(made)).toEqual({ train: "a b", val: "a", holdout: "b" });
  expect(made.notes).toEqual(["samples is left out: it is no split, and its 1 image is in none"]);
});

test("folders that stand alone are entered", () => {
  const made = arrange(["pets/images/a/1.png", "pets/images/b/2.png"]);
  expect(classesOf(made)).toEqual({ "": "a b" });
  expect(made.notes).toEqual(["pets/images is the only folder: the folders in it are taken"]);
  expect(classesOf(arrange(["pets/train/train/a/1.png", "pets/train/train/b/2.png"]))).toEqual({
    train: "a b",
  });
});

test("splits within classes", () => {
  const made = arrange(["a/train/1.png", "a/test/2.png", "b/Train/3.png", "b/test/4.png"]);
  expect(made.splits).toEqual({
    train: [
      ["a", "a/train/1.png"],
      ["b", "b/Train/3.png"],
    ],
    test: [
      ["a", "a/test/2.png"],
      ["b", "b/test/4.png"],
    ],
  });
});

test("classes that hold the same folders are said to be the classes", () => {
  const made = arrange(["fold1/a/1.png", "fold1/b/2.png", "fold2/a/3.png", "fold2/b/4.png"]);
  expect(classesOf(made)).toEqual({ "": "fold1 fold1 fold2 fold2" });
  expect(made.notes).toEqual([
    "the classes are fold1, fold2, although all of them hold folders called a, b",
  ]);
});

test("two names of one split are said", () => {
  const made = arrange(["train/a/1.png", "train/b/2.png", "val/a/3.png", "valid/b/4.png"]);
  expect(made.notes).toEqual(['val and valid are splits of their own; "validation" means val']);
});

test.each([
  [
    ["train/1.png", "test/2.png"],
    "data has 2 images in train, test, which are splits by their names, but no class folders. Put",
  ],
  [
    ["train/steam/1.png", "train/diesel/2.png", "car/3.png"],
    "data has a folder train, which is a split by its name, beside car, which is not. Name data/train",
  ],
])("%j is refused", (paths, message) => {
  expect(() => arrange(paths)).toThrow(message);
});
