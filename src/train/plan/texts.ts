/** @file What of a training's texts is lost on the way to ids: those that are cut, and unknown characters. */

import type { Source } from "../../data/source.ts";
import { decodeTexts } from "../../preprocess/example.ts";
import type { Tokenizer } from "../../text/index.ts";

/** Examples whose texts are looked at: of those held in memory, and of those that are read with their images. */
const LOOKED_AT = { held: 20_000, read: 100 };

/** Lines that say how many texts are cut, and how many have characters that the vocabulary does not know. */
export async function notesOnTexts(source: Source, tokenizer: Tokenizer): Promise<string[]> {
  if (source.fields.text !== "text") return [];
  const { encode, bosId, eosId, unkId, card } = tokenizer;
  const held = source.held?.text;
  const marks = [bosId, eosId].filter((id) => id !== undefined).length;
  const most = Math.min(source.length, held ? LOOKED_AT.held : LOOKED_AT.read);
  let [all, cut, unknown] = [0, 0, 0];
  for (let index = 0; index < most; index++) {
    for (const text of decodeTexts(held ? held(index) : (await source.read(index)).text)) {
      const ids = encode(text);
      all++;
      if (ids.length + marks > card.length) cut++;
      if (unkId !== undefined && ids.includes(unkId)) unknown++;
    }
  }
  const of = most < source.length ? ` of the first ${most} images` : "";
  const some = (count: number): string => `${count} of ${all} texts${of}`;
  return [
    ...(cut > 0 ? [`${some(cut)} are cut to ${card.length} tokens (task.tokenizer.length)`] : []),
    ...(unknown > 0 ? [`${some(unknown)} have characters that the tokenizer does not know`] : []),
  ];
}
