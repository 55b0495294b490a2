import { expect, test } from "vitest";
import { arraySource } from "./classification/arrays.ts";
import type { Source } from "./source.ts";
import { hostArray } from "../graph/dtype.ts";
import { unknownName } from "../errors.ts";
import { renumberField } from "./renumber.ts";

const source = (labels: readonly number[], classes: readonly string[]): Source =>
  arraySource({
    images: { shape: [labels.length, 1, 1], dtype: "uint8", data: new Uint8Array(labels.length) },
    labels: { shape: [labels.length], dtype: "uint8", data: Uint8Array.from(labels) },
    classes,
    name: "data",
  });

const relabelled = (given: Source, names: readonly string[], what: string): Source =>
  renumberField(given, "label", names, (name) =>
    unknownName(`class of ${what}`, name, names, "data"),
  );

test("classes are matched by name; one that no image has may be unknown to the model", async () => {
  const made = relabelled(source([0, 2], ["dog", "wren", "cat"]), ["cat", "dog"], "runs/pets");
  expect(made.names.label).toEqual(["cat", "dog"]);
  expect([...(await made.read(0)).label.data]).toEqual([1]);
  expect([...(await made.read(1)).label.data]).toEqual([0]);
});

test("a class of an image that the model does not know is an error at once, or when it is read", async () => {
  const given = source([0, 1], ["dog", "wrn"]);
  const message = 'unknown class of runs/pets "wrn"; valid: wren, dog.';
  expect(() => relabelled(given, ["wren", "dog"], "runs/pets")).toThrow(message);
  const made = relabelled({ ...given, held: undefined }, ["wren", "dog"], "runs/pets");
  await expect(made.read(1)).rejects.toThrow(message);
});

test("labels of several classes", async () => {
  const several: Source = {
    ...source([0, 0], ["a", "b", "c"]),
    held: undefined,
    read: (index) => ({
      image: hostArray([1], "uint8", Uint8Array.of(0)),
      label: hostArray([3], "float32", Float32Array.of(1, index, 0)),
    }),
  };
  const made = relabelled(several, ["b", "a"], "runs/pets");
  expect([...(await made.read(0)).label.data]).toEqual([0, 1]);
  expect([...(await made.read(1)).label.data]).toEqual([1, 1]);
});
