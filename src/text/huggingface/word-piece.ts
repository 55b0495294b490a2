/**
 * @file WordPiece: a word becomes the longest piece that begins it, then the longest that goes on, and so forth.
 * @see Devlin et al. 2018; the ids are those of the PyPI package `tokenizers`
 */

import { OcelliError } from "../../errors.ts";
import type { WordModel } from "./kinds.ts";

/** The options of WordPiece. */
export interface WordPieceOptions {
  readonly vocab: ReadonlyMap<string, number>;
  readonly unk: string;
  readonly prefix: string;
  readonly maxCharacters: number;
}

/** Words to the ids of their pieces; a word that cannot be made of pieces is unknown as a whole. */
export function createWordPiece({
  vocab,
  unk,
  prefix,
  maxCharacters,
}: WordPieceOptions): WordModel {
  let longest = 0;
  for (const { length } of vocab.keys()) longest = Math.max(longest, length);
  const unknown = (): readonly number[] => {
    const id = vocab.get(unk);
    if (id !== undefined) return [id];
    throw new OcelliError("format", `WordPiece: the vocabulary has no piece "${unk}".`);
  };
  return (word) => {
    if (word.length > maxCharacters && [...word].length > maxCharacters) return unknown();
    const ids: number[] = [];
    for (let begin = 0; begin < word.length;) {
      let end = Math.min(word.length, begin + longest);
      let id: number | undefined;
      for (; end > begin; end--) {
        const part = word.slice(begin, end);
        id = vocab.get(begin > 0 ? prefix + part : part);
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown();
      ids.push(id);
      begin = end;
    }
    return ids;
  };
}
