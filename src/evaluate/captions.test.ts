import { expect, test } from "vitest";
import { fromNumbers } from "../graph/index.ts";
import { encodeTexts } from "../preprocess/example.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { createEvaluator } from "./registry.ts";

/** A tokenizer whose text of an id is so many words. */
const tokenizer = {
  card: { length: 1 },
  decode: ([id]: Iterable<number>) => sentence(id),
} as unknown as Tokenizer;

const sentence = (id: number): string =>
  Array.from({ length: 5 }, (_, k) => `word${id * 5 + k}`).join(" ");

test("each caption stands beside its own image's texts, and few images are held at once", async () => {
  const count = 100;
  const evaluator = createEvaluator(
    { type: "captions" },
    { names: {}, task: { name: "captioning" }, tokenizer },
  );
  let [now, most] = [0, 0];
  const judged = {
    sums: {},
    rows: {
      ids: fromNumbers(
        Array.from({ length: count }, (_, i) => 2 * i),
        [count, 1],
        "int32",
      ),
    },
    indices: Array.from({ length: count }, (_, i) => 2 * i), // every second could not be read
    labels: [],
    async read(index: number) {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      return { text: encodeTexts([index === 0 ? "Other words." : `${sentence(index)}!`]) };
    },
  };
  const values = Object.fromEntries(await evaluator.summarise({ judged }));
  expect(values.rougeL).toBeCloseTo((count - 1) / count, 12);
  expect(most).toBe(32);
});

test("an image that nobody wrote words for is left out and counted; where all are, that is an error", async () => {
  const evaluator = createEvaluator(
    { type: "captions" },
    { names: {}, task: { name: "captioning" }, tokenizer },
  );
  const judge = async (texts: readonly string[][]) => {
    const judged = {
      sums: {},
      rows: { ids: fromNumbers([...texts.keys()], [texts.length, 1], "int32") },
      indices: [...texts.keys()],
      labels: [],
      read: (index: number) => Promise.resolve({ text: encodeTexts(texts[index]) }),
    };
    return Object.fromEntries(await evaluator.summarise({ judged }));
  };
  const whole = await judge([[sentence(0)], [sentence(1)]]);
  expect(whole).not.toHaveProperty("without_reference");
  const some = await judge([[sentence(0)], [sentence(1)], ["...!"], ["", "?"]]);
  expect(some).toEqual({ ...whole, without_reference: 2 });
  await expect(judge([["!"], ["?"]])).rejects.toThrow(
    "none of the 2 images has a caption in words.",
  );
});
