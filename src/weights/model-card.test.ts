import { expect, test } from "vitest";
import { concatBytes } from "../formats/bytes.ts";
import { fromNumbers } from "../graph/dtype.ts";
import { type ModelCard, createModel } from "../models/index.ts";
import { checkpointChunks, readCheckpoint } from "./checkpoint.ts";
import { cardFromTexts, cardTexts } from "./model-card.ts";

const card: ModelCard = {
  model: { name: "vit", variant: "S/16", depth: 2 },
  task: { name: "classification", loss: "softmax" },
  names: { label: ["cat", "dog"] },
  preprocessing: 'decode(alpha="drop")|resize_small(40)|central_crop(32)|value_range(-1,1)',
  imageShape: [32, 32, 3],
  step: 7,
};
const read = (changes: Readonly<Record<string, string>>) =>
  cardFromTexts({ ...cardTexts(card), ...changes }, "x.safetensors");

test("a card reads back as it was written; metadata without one are none", () => {
  expect(read({})).toEqual(card);
  expect(cardFromTexts({ format: "pt" }, "x.safetensors")).toBeUndefined();
});

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

test.each([
  ["a resize too large", { preprocessing: "resize(60000)" }, "from 1 to 4096"],
  ["a resize that makes another size", { preprocessing: "resize(4000)" }, "makes images of [4000,"],
  ["an operation that does not exist", { preprocessing: "rezise(32)" }, 'operation "rezise"'],
  ["a prototype", { model: '{"__proto__":{"x":1},"name":"vit"}' }, "is no model's name"],
  [
    "a model nested deeply",
    { model: `{"name":"vit","x":${nested(100_000)}}` },
    "nested too deeply",
  ],
  ["no JSON", { model: "{" }, "truncated or damaged"],
  [
    "a class that is too long",
    { names: `{"label":["${"x".repeat(2000)}"]}` },
    "longer than 1024 bytes",
  ],
  ["classes that are no names", { names: '{"label":[1,2]}' }, "names is no lists of names"],
  ["a shape too large", { imageShape: "[60000,60000,3]" }, "imageShape is no [height, width"],
  ["a shape of other numbers", { imageShape: "[32.5,32,3]" }, "imageShape is no [height, width"],
  ["a task without a name", { task: "{}" }, "task is no task's name"],
  ["a later version", { version: "9" }, "this Ocelli reads 1 and 2"],
  ["no number of steps", { step: "NaN" }, "step is no whole number"],
])("%s is refused before anything is built", (_, changes, message) => {
  const start = performance.now();
  let given = "";
  try {
    read(changes);
  } catch (error) {
    given = (error as Error).message;
  }
  expect(given).toMatch(/^x\.safetensors/);
  expect(given).toContain(message);
  expect(performance.now() - start).toBeLessThan(2000);
});

test("a depth that the arrays cannot have is refused by the file, and by the model", () => {
  const bias = fromNumbers([0], [1], "float32");
  const model = { name: "vit", depth: 1_000_000 };
  const bytes = concatBytes(
    checkpointChunks({ card: { ...card, model }, params: { bias }, variables: {} }),
  );
  expect(() => readCheckpoint(bytes, "x.safetensors")).toThrow(
    "its model card says depth 1000000, but it has 1 arrays",
  );
  expect(() => createModel("vit", { depth: 1_000_000 })).toThrow("vit: depth: Too big");
});
