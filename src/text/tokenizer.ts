/** @file What a tokenizer is: text to ids and back, and rows of a fixed length for a model. */

import type { HostArray } from "../graph/dtype.ts";
import type { TokenizerCard } from "./card.ts";

/** Ids with a part of their own; undefined where a vocabulary has none. */
export interface SpecialIds {
  readonly bos?: number;
  readonly eos?: number;
  readonly unk?: number;
}

/** Text to ids and back by a vocabulary alone: nothing is lower-cased, added, cut or padded. */
export interface TextCodec {
  readonly vocabularySize: number;
  readonly encode: (text: string) => number[];
  readonly decode: (ids: ArrayLike<number> & Iterable<number>) => string;
  /** The id of a piece; undefined where there is none. */
  readonly idOf: (piece: string) => number | undefined;
  readonly pieceOf: (id: number) => string | undefined;
  readonly special: SpecialIds;
}

/** A vocabulary and the card that says how a model wants its text. */
export interface Tokenizer {
  readonly card: TokenizerCard;
  readonly vocabularySize: number;
  /** The ids that the card's rules add; undefined where they add none. */
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly padId: number;
  /** The id of what is not in the vocabulary; undefined where everything is. */
  readonly unkId: number | undefined;
  /** The ids of a text in the card's case, without BOS, EOS and padding, uncut. */
  readonly encode: (text: string) => number[];
  /** Ids with BOS and EOS, cut and padded to the card's length: int32 of [length]. */
  readonly pad: (ids: readonly number[]) => Int32Array;
  /** Texts as a model takes them: int32 of [texts, length]. */
  readonly tokenize: (texts: readonly string[]) => HostArray;
  /** The text of ids; padding after the text and what BOS and EOS stand for are left out. */
  readonly decode: (ids: ArrayLike<number> & Iterable<number>) => string;
  readonly idOf: (piece: string) => number | undefined;
  readonly pieceOf: (id: number) => string | undefined;
}
