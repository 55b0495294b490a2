/** @file Sources with several texts an example, text by text. */

import { decodeTexts, encodeTexts } from "../preprocess/example.ts";
import type { Source } from "./source.ts";

/** A source that gives every text of another, and whose each is. */
export interface EachText {
  /** One example for each text, which stands alone in the field `text`; those of an example stand side by side. */
  readonly source: Source;
  /** The example of the other source that each is of. */
  readonly owners: readonly number[];
}

/**
 * Every text of a source whose examples have the field `text`, without what else they have: no image is read for a text.
 * Where texts are not held in memory, it reads all examples.
 */
export async function eachText(source: Source): Promise<EachText> {
  const owners: number[] = [];
  const places: number[] = [];
  for (let index = 0; index < source.length; index++) {
    const held = source.held?.text;
    const texts = decodeTexts(held ? held(index) : (await source.read(index)).text);
    texts.forEach((_, place) => {
      owners.push(index);
      places.push(place);
    });
  }
  const { blocks, held } = source;
  const textOf = async (index: number) => held?.text?.(index) ?? (await source.read(index)).text;
  return {
    owners,
    source: {
      length: owners.length,
      fields: { text: "text" },
      names: {},
      id: (index) => `${source.id(owners[index])}#${places[index]}`,
      async read(index) {
        const texts = decodeTexts(await textOf(owners[index]));
        return { text: encodeTexts([texts[places[index]]]) };
      },
      ...(blocks && { blocks: { ...blocks, of: (index) => blocks.of(owners[index]) } }),
    },
  };
}
