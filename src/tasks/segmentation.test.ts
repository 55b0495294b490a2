import { expect, test } from "vitest";
import { fromNumbers } from "../graph/index.ts";
import { describeAnswer } from "./answer.ts";
import { classColour, colourMap, hexColour } from "./map-colours.ts";
import { recordMaps, segmentationTask } from "./segmentation.ts";

test("classes have the colours of Pascal VOC's maps", () => {
  const colours = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 20, 255].map(classColour);
  expect(colours).toEqual([
    [0, 0, 0],
    [128, 0, 0],
    [0, 128, 0],
    [128, 128, 0],
    [0, 0, 128],
    [128, 0, 128],
    [0, 128, 128],
    [128, 128, 128],
    [64, 0, 0],
    [192, 128, 128],
    [0, 64, 128],
    [224, 224, 192],
  ]);
  expect(hexColour(classColour(20))).toBe("#004080");
  const map = colourMap(fromNumbers([0, 1, 255, 2], [2, 2], "uint8"));
  expect(map.shape).toEqual([2, 2, 3]);
  expect([...map.data]).toEqual([0, 0, 0, 128, 0, 0, 224, 224, 192, 0, 128, 0]);
});

test("an answer is told by the areas of its names", () => {
  const map = fromNumbers([0, 0, 0, 2], [2, 2], "int32");
  expect(describeAnswer({ kind: "map", map, names: ["ground", "cat", "dog"] })).toBe(
    "ground 75.0 %, dog 25.0 %",
  );
});

test("the first examples are kept, with the part of the labelled pixels that is right", async () => {
  const recorder = recordMaps(["ground", "cat"]);
  const rows = (count: number) => ({
    picture: fromNumbers(new Uint8Array(count * 12), [count, 2, 2, 3], "uint8"),
    truth: fromNumbers(Array.from({ length: count }, () => [0, 1, 255, 1]).flat(), [count, 2, 2], "int32"), // prettier-ignore
    map: fromNumbers(Array.from({ length: count }, () => [0, 0, 1, 1]).flat(), [count, 2, 2], "uint8"), // prettier-ignore
  });
  recorder.see(Int32Array.of(0, -1, 1), rows(3));
  recorder.see(
    Int32Array.from({ length: 16 }, (_, i) => 2 + i),
    rows(16),
  );
  const shown: number[] = [];
  const summary = (await recorder.summary({
    example: (index) => Promise.resolve({ id: `image ${index}`, thumbnail: "" }),
    image({ shape }) {
      shown.push(shape.length);
      return Promise.resolve("data:");
    },
  })) as { readonly examples: { id: string; right: number }[] };
  expect(summary).toMatchObject({ kind: "map", names: ["ground", "cat"] });
  expect(summary.examples.map(({ id }) => id)).toEqual(
    Array.from({ length: 12 }, (_, i) => `image ${i}`),
  );
  expect(summary.examples[0].right).toBeCloseTo(2 / 3, 12);
  expect(shown).toEqual(new Array<number>(36).fill(3));
});

test("maps of one class are refused", () => {
  const data = { fields: {}, names: { map: ["ground"] }, objective: { name: "segmentation" } };
  expect(() => segmentationTask.describe({}, { ...data, dataName: "fields" })).toThrow(
    "the maps of fields have 1 class",
  );
});
