import { expect, test } from "vitest";
import { decodeTexts, encodeTexts } from "../preprocess/example.ts";
import { eachText } from "./each-text.ts";
import { type Source, bytesArray } from "./source.ts";

const TEXTS = [["a red bird", "a bird"], ["two dogs"], ["a", "b", "c"]];
const text = (index: number) => encodeTexts(TEXTS[index]);
const source: Source = {
  length: 3,
  fields: { image: "image", text: "text" },
  names: {},
  id: (index) => `${index}.png`,
  read: (index) => ({ image: bytesArray(Uint8Array.of(index)), text: text(index) }),
};

test.each([source, { ...source, held: { text } }])(
  "every text stands alone beside the image that it is of (%#)",
  async (given) => {
    const { source: each, owners } = await eachText(given);
    expect(owners).toEqual([0, 0, 1, 2, 2, 2]);
    expect(each.length).toBe(6);
    for (const [index, owner] of owners.entries()) {
      const example = await each.read(index);
      expect([...example.image.data]).toEqual([owner]);
      expect(decodeTexts(example.text)).toEqual([TEXTS.flat()[index]]);
      if (each.held) expect(each.held.text(index)).toEqual(example.text);
    }
    expect(each.id(4)).toBe("2.png#1");
  },
);
