/** @file What several vocabularies share: the pieces of ids, and the pieces of bytes. */

import { OcelliError } from "../errors.ts";

/** The pieces of ids; an argument error where an id is none of a vocabulary's. */
export const piecesAt = (
  pieces: readonly string[],
  ids: ArrayLike<number> & Iterable<number>,
): string[] =>
  Array.from(ids, (id) => {
    if (id in pieces) return pieces[id];
    throw new OcelliError("argument", `id ${id} is not among the ${pieces.length} pieces.`);
  });

/** The ids of the pieces `<0x00>` to `<0xFF>`, by byte; undefined where a vocabulary has none. */
export const byteIdsIn = (vocab: ReadonlyMap<string, number>): readonly (number | undefined)[] =>
  Array.from({ length: 256 }, (_, byte) =>
    vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
  );
