/** @file The models of `tokenizer.json`: words to the ids of pieces. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { formatError } from "../../formats/bytes.ts";
import { ByteTrie } from "../byte-trie.ts";
import { byteIdsIn } from "../pieces.ts";
import { NORMAL, createUnigram } from "../sentencepiece/unigram.ts";
import { createBpe } from "./bpe.ts";
import type { WordModel } from "./kinds.ts";
import { type PartType, createPart, partType } from "./options.ts";
import { createWordPiece } from "./word-piece.ts";

/** A model's vocabulary, and how it cuts words. */
export interface Model {
  readonly vocab: ReadonlyMap<string, number>;
  readonly encode: WordModel;
  readonly unk: number | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const isVocab = (value: unknown): value is Readonly<Record<string, number>> =>
  typeof value === "object" &&
  value !== null &&
  Object.values(value).every((id: unknown) => Number.isInteger(id) && (id as number) >= 0);
const vocabSchema = z
  .custom<Readonly<Record<string, number>>>(isVocab, "the vocabulary must map pieces to ids")
  .transform((vocab) => new Map(Object.entries(vocab)));

/** A merge: two texts, or one with a space between them. */
function readMerge(value: unknown): readonly [string, string] | undefined {
  if (typeof value === "string") {
    const at = value.indexOf(" ");
    const isPair = at !== -1 && value.indexOf(" ", at + 1) === -1;
    return isPair ? [value.slice(0, at), value.slice(at + 1)] : undefined;
  }
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [left, right] = value as readonly unknown[];
  return typeof left === "string" && typeof right === "string" ? [left, right] : undefined;
}

const mergesSchema = z
  .custom<readonly unknown[]>(Array.isArray, "merges must be a list")
  .transform((merges): readonly (readonly [string, string])[] =>
    merges.map((merge) => {
      const pair = readMerge(merge);
      if (pair) return pair;
      throw formatError(`tokenizer.json: ${JSON.stringify(merge)} is not a pair of pieces.`);
    }),
  );

const bpeSchema = z.looseObject({
  vocab: vocabSchema,
  merges: mergesSchema,
  unk_token: z.string().nullish(),
  continuing_subword_prefix: z.string().nullish(),
  end_of_word_suffix: z.string().nullish(),
  fuse_unk: z.boolean().default(false),
  byte_fallback: z.boolean().default(false),
  ignore_merges: z.boolean().default(false),
});
const unigramSchema = z.looseObject({
  vocab: z.array(z.tuple([z.string(), z.number()])).min(1),
  unk_id: z.int().min(0).nullish(),
  byte_fallback: z.boolean().default(false),
});
const wordPieceSchema = z.looseObject({
  vocab: vocabSchema,
  unk_token: z.string(),
  continuing_subword_prefix: z.string(),
  max_input_chars_per_word: z.int().min(1),
});
const wordLevelSchema = z.looseObject({ vocab: vocabSchema, unk_token: z.string() });

function createUnigramModel(options: z.output<typeof unigramSchema>): Model {
  const { unk_id, byte_fallback } = options;
  const vocab = new Map(options.vocab.map(([piece], id) => [piece, id]));
  const trie = new ByteTrie(options.vocab.length * 2);
  for (const [piece, id] of vocab) trie.add(encoder.encode(piece), id);
  const unk = unk_id ?? -1;
  if (unk >= options.vocab.length) throw formatError(`tokenizer.json: unk_id ${unk} is no piece.`);
  const segment = createUnigram({
    trie,
    unkId: unk,
    scores: Float64Array.from(options.vocab, ([, score]) => score),
    kinds: new Uint8Array(options.vocab.length).fill(NORMAL),
  });
  const byteIds = byteIdsIn(vocab);

  /** What is no piece: its bytes' pieces, where there are all, or unknown. */
  function putUnknown(bytes: Uint8Array, ids: number[]): void {
    const known = vocab.get(decoder.decode(bytes));
    const pieces = byte_fallback ? Array.from(bytes, (byte) => byteIds[byte]) : [undefined];
    if (known !== undefined) ids.push(known);
    else if (pieces.every((id) => id !== undefined)) ids.push(...pieces);
    else if (unk !== -1) ids.push(unk);
    else throw new OcelliError("format", "tokenizer.json: the vocabulary has no unknown piece.");
  }
  return {
    vocab,
    unk: unk_id ?? undefined,
    encode: (word) => {
      const bytes = encoder.encode(word);
      const ids: number[] = [];
      let unknownFrom = -1;
      segment(bytes, (id, begin) => {
        if (id === unk && unknownFrom === -1) unknownFrom = begin;
        if (id === unk) return;
        if (unknownFrom !== -1) putUnknown(bytes.subarray(unknownFrom, begin), ids);
        unknownFrom = -1;
        ids.push(id);
      });
      if (unknownFrom !== -1) putUnknown(bytes.subarray(unknownFrom), ids);
      return ids;
    },
  };
}

const MODELS: Readonly<Record<string, PartType<Model>>> = {
  BPE: partType(bpeSchema, (options) => ({
    vocab: options.vocab,
    unk: options.unk_token ? options.vocab.get(options.unk_token) : undefined,
    encode: createBpe({
      vocab: options.vocab,
      merges: options.merges,
      unk: options.unk_token ?? undefined,
      prefix: options.continuing_subword_prefix ?? "",
      suffix: options.end_of_word_suffix ?? "",
      fuseUnk: options.fuse_unk,
      byteFallback: options.byte_fallback,
      ignoreMerges: options.ignore_merges,
    }),
  })),
  Unigram: partType(unigramSchema, createUnigramModel),
  WordPiece: partType(wordPieceSchema, (options) => ({
    vocab: options.vocab,
    unk: options.vocab.get(options.unk_token),
    encode: createWordPiece({
      vocab: options.vocab,
      unk: options.unk_token,
      prefix: options.continuing_subword_prefix,
      maxCharacters: options.max_input_chars_per_word,
    }),
  })),
  WordLevel: partType(wordLevelSchema, ({ vocab, unk_token }) => ({
    vocab,
    unk: vocab.get(unk_token),
    encode: (word) => {
      const id = vocab.get(word) ?? vocab.get(unk_token);
      if (id !== undefined) return [id];
      throw new OcelliError(
        "format",
        `tokenizer.json: the vocabulary has no piece "${unk_token}".`,
      );
    },
  })),
};

/** The model that an object of `tokenizer.json` describes; one without a type is known by what it has. */
export function createModel(value: Readonly<Record<string, unknown>>): Model {
  const guessed = Array.isArray(value.vocab) ? "Unigram" : value.merges ? "BPE" : "WordPiece";
  return createPart("model", MODELS, { ...value, type: value.type ?? guessed });
}
