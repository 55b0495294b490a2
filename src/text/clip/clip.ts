/**
 * @file CLIP's byte-pair encoding by its list of merges, `bpe_simple_vocab_16e6.txt`, gzipped or not.
 * @see https://github.com/openai/CLIP; the ids are those of the PyPI package `open-clip-torch`
 */

import { decodeUtf8, formatError } from "../../formats/bytes.ts";
import { gunzip, isGzip } from "../../formats/inflate.ts";
import { BYTE_CHARACTERS, fromByteCharacters, toByteCharacters } from "../byte-level.ts";
import { applyMerges, createMerges } from "../byte-pairs.ts";
import type { TextCodec } from "../tokenizer.ts";
import { remember } from "../word-cache.ts";
import { piecesAt } from "../pieces.ts";
import { cleanText } from "./clean.ts";

const MAX_BYTES = 2 ** 24;
/** The list is longer; the vocabulary takes so many. */
const MERGES = 49_152 - 256 - 2;
const END = "</w>";
const [BOS, EOS] = ["<start_of_text>", "<end_of_text>"];
const WHAT = "CLIP's vocabulary";
/** Contractions, words, single digits, and runs of other signs; case does not matter to the contractions. */
const WORDS =
  /<start_of_text>|<end_of_text>|'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}\u0345]+/gu;

/** Text to ids and back; text is cleaned, then `lower` is applied to it. */
export function readClip(bytes: Uint8Array, lower: (text: string) => string): TextCodec {
  const pieces = [...bytesInOrder(), ...bytesInOrder().map((one) => one + END)];
  const pairs = readMerges(bytes);
  for (const [left, right] of pairs) pieces.push(left + right);
  pieces.push(BOS, EOS);
  const vocab = new Map(pieces.map((piece, id) => [piece, id]));
  const idOf = (piece: string): number => {
    const id = vocab.get(piece);
    if (id === undefined) throw formatError(`${WHAT}: a merge has "${piece}", which is no piece.`);
    return id;
  };
  const merges = createMerges(
    pairs.map(([left, right]) => [idOf(left), idOf(right)]),
    (rank) => idOf(pairs[rank].join("")),
  );
  const encodeWord = remember((word) => {
    if (word === BOS || word === EOS) return [idOf(word)];
    const characters = [...toByteCharacters(word)];
    characters[characters.length - 1] += END;
    return applyMerges(characters.map(idOf), merges);
  });
  return {
    vocabularySize: pieces.length,
    encode(text) {
      const ids: number[] = [];
      for (const [word] of lower(cleanText(text)).matchAll(WORDS)) {
        for (const id of encodeWord(word)) ids.push(id);
      }
      return ids;
    },
    decode: (ids) => fromByteCharacters(piecesAt(pieces, ids)).replaceAll(END, " "),
    idOf: (piece) => vocab.get(piece),
    pieceOf: (id) => pieces[id],
    special: { bos: idOf(BOS), eos: idOf(EOS) },
  };
}

/** The characters of bytes: visible ones first, then those that stand for the others. */
const bytesInOrder = (): readonly string[] =>
  [...BYTE_CHARACTERS].sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0));

function readMerges(bytes: Uint8Array): readonly (readonly [string, string])[] {
  const plain = isGzip(bytes) ? gunzip(bytes, MAX_BYTES, WHAT) : bytes;
  const lines = decodeUtf8(plain, WHAT).split("\n");
  return lines.slice(1, MERGES + 1).flatMap((line, i) => {
    const [left, right, ...others] = line.split(/\s+/).filter((part) => part !== "");
    if (left !== undefined && right !== undefined && others.length === 0) return [[left, right]];
    if (line.trim() === "" && i + 2 === lines.length) return [];
    throw formatError(`${WHAT}: line ${i + 2} is not a pair: "${line.slice(0, 40)}".`);
  });
}
