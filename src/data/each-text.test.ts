import { expect, test } from "vitest";
import { decodeTexts, encodeTexts } from "../preprocess/example.ts";
import { eachText } from "./each-text.ts";
import { type Source, bytesArray } from "./source.ts";

const TEXTS = [["a red bird", "a bird"], ["two dogs"], ["a", "b", "c"]];
const text = (index: number) => encodeTexts(TEXTS[index]);
let images = 0; // how many were read
const source: Source = {
  length: 3,
  fields: { image: "image", text: "text" },
  names: {},
  id: (index) => `${index}.png`,
  read: (index) => {
    images++;
    return { image: bytesArray(Uint8Array.of(index)), text: text(index) };
  },
};

test.each([source, { ...source, held: { text } }])(
  "every text stands alone, and no image is read for one that is held (%#)",
  async (given) => {
    images = 0;
    const { source: each, owners } = await eachText(given);
    expect(owners).toEqual([0, 0, 1, 2, 2, 2]);
    expect(each.length).toBe(6);
    for (const index of owners.keys()) {
      const example = await each.read(index);
      expect(Object.keys(example)).toEqual(["text"]);
      expect(decodeTexts(example.text)).toEqual([TEXTS.flat()[index]]);
      if (each.held) expect(each.held.text(index)).toEqual(example.text);
    }
    expect(each.id(4)).toBe("2.png#1");
    expect(images > 0).toBe(given.held === undefined);
  },
);
