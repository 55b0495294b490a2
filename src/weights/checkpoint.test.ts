import { expect, test } from "vitest";
import { writeSafetensors } from "../formats/safetensors.ts";
import { concatBytes } from "../formats/bytes.ts";
import { fromNumbers } from "../graph/dtype.ts";
import { checkpointChunks, readCheckpoint } from "./checkpoint.ts";
import { cardTexts } from "./model-card.ts";
import { matchArrays } from "./match.ts";

const kernel = fromNumbers([1, 2, 3, 4, 5, 6], [2, 3], "float32");
const bias = fromNumbers([1, 2, 3], [3], "float32");
const card = {
  model: { name: "vit", width: 2 },
  task: { name: "classification", loss: "softmax" },
  names: { label: ["a", "é", "c"] },
  preprocessing: "value_range(-1,1)",
  imageShape: [4, 4, 1],
  step: 12,
};

test("a checkpoint reads back as it was written", () => {
  const checkpoint = { card, params: { head: { kernel, bias } }, variables: {} };
  const bytes = concatBytes(checkpointChunks(checkpoint));
  expect(readCheckpoint(bytes, "file")).toEqual(checkpoint);
});

test("a card of version 1, which has no task, is a classifier's", () => {
  const old = {
    format: "ocelli-checkpoint-1",
    model: JSON.stringify(card.model),
    classes: JSON.stringify(card.names.label),
    preprocessing: card.preprocessing,
    loss: "sigmoid",
    imageShape: JSON.stringify(card.imageShape),
    step: "12",
  };
  const bytes = writeSafetensors({ "params/head/kernel": kernel }, old);
  const task = { name: "classification", loss: "sigmoid" };
  expect(readCheckpoint(bytes, "file").card).toEqual({ ...card, task });
});

test("another safetensors file is refused", () => {
  expect(() => readCheckpoint(writeSafetensors({ kernel }), "x.safetensors")).toThrow(
    "x.safetensors is not a checkpoint of an Ocelli run",
  );
});

test("arrays that fit come in the model's order", () => {
  const spec = { "head/bias": bias, "head/kernel": kernel };
  const matched = matchArrays("file", spec, { "head/kernel": kernel, "head/bias": bias });
  expect(Object.keys(matched)).toEqual(["head/bias", "head/kernel"]);
});

test("a mismatch lists both sides", () => {
  const expected = {
    "head/bias": { shape: [4], dtype: "float32" as const },
    "head/kernel": { shape: [2, 4], dtype: "float32" as const },
    cls: { shape: [1, 1, 2], dtype: "float32" as const },
  };
  const given = { "head/bias": bias, "head/kernel": kernel, extra: bias };
  expect(() => matchArrays("a checkpoint", expected, given)).toThrow(
    "a checkpoint does not fit the model: head/bias is float32[3] (model: float32[4]); " +
      "head/kernel is float32[2,3] (model: float32[2,4]); " +
      "cls is missing (model: float32[1,1,2]); extra is float32[3] (model: none).",
  );
});

test("a card names the background of transparent images; one that says nothing keeps black", () => {
  const coloured = { ...card, imageShape: [4, 4, 3] };
  const write = (preprocessing: string) =>
    concatBytes(
      checkpointChunks({ card: { ...coloured, preprocessing }, params: {}, variables: {} }),
    );
  const read = (bytes: Uint8Array) => readCheckpoint(bytes, "file").card.preprocessing;
  expect(read(write("decode|resize(4)"))).toBe('decode(background="white")|resize(4)');
  expect(read(write("decode(alpha=drop)|resize(4)"))).toBe('decode(alpha="drop")|resize(4)');
  const before = writeSafetensors(
    { kernel },
    {
      format: "ocelli-checkpoint-1",
      ...cardTexts(coloured),
      preprocessing: "fast_decode|resize(4)",
    },
  );
  expect(read(before)).toBe('fast_decode(background="black")|resize(4)');
  expect(read(write("resize(4)"))).toBe("resize(4)");
});
