import { expect, test } from "vitest";
import { TOKENIZER_CARDS, parseTokenizerCard } from "./card.ts";

const card = { kind: "clip", lower: "unicode", bos: "yes", eos: "sticky", pad: 0, length: 77 };

test("every published card is one", () => {
  for (const published of Object.values(TOKENIZER_CARDS)) {
    expect(parseTokenizerCard(published)).toEqual(published);
  }
});

test.each(["kind", "lower", "bos", "eos", "pad", "length"])("%s must be said", (key) => {
  const { [key]: _left, ...others } = card as Record<string, unknown>;
  expect(() => parseTokenizerCard(others)).toThrow(`a tokenizer's card: "${key}" is missing`);
});

test.each([
  [{ ...card, eos: "stiky" }, '"eos" cannot be "stiky"; valid: sticky,'],
  [{ ...card, length: 0 }, '"length" cannot be 0 ('],
  [{ ...card, padding: 1 }, 'unknown option of a tokenizer\'s card "padding"; valid: pad,'],
  [{ ...card, tokenSets: ["loq"] }, '"tokenSets.0" cannot be "loq"; valid: loc, seg'],
  [[], "a tokenizer's card must be an object."],
  [null, "a tokenizer's card must be an object."],
])("%j is refused in one line", (given, message) => {
  expect(() => parseTokenizerCard(given)).toThrow(message);
});
