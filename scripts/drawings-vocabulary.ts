/**
 * @file Makes the WordPiece vocabulary of the claims on drawings, of emoji's names and tags in their languages:
 * `node scripts/drawings-vocabulary.ts > papers/drawings-vocabulary.txt`, with the npm package emojibase-data.
 */

import { openDataset } from "ocelli/data";
import { decodeTexts } from "ocelli/preprocess";
import { LANGUAGES } from "../papers/drawings.ts";

/** A word is a piece where it stands so often; others are written letter by letter. */
const OFTEN = 2;

const { open } = await openDataset({ name: "emoji", languages: LANGUAGES, tags: true });
const source = await open("all");
const counts = new Map<string, number>();
for (let index = 0; index < source.length; index++) {
  for (const text of decodeTexts(source.held!.text(index))) {
    // as BERT's tokenizer reads it: lowered, without accents, punctuation apart
    const plain = text
      .toLowerCase()
      .normalize("NFD")
      .replaceAll(/\p{Mn}/gu, "");
    for (const word of plain.match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
}
const letters = [...new Set([...counts.keys()].flatMap((word) => [...word]))].sort();
const words = [...counts].filter(([word, count]) => count >= OFTEN && [...word].length > 1);
const byCount = words.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([word]) => word);
const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const pieces = [...special, ...letters, ...letters.map((letter) => `##${letter}`), ...byCount];
process.stdout.write(`${pieces.join("\n")}\n`);
