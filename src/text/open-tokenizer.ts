/** @file Opening a tokenizer: a vocabulary's bytes and the card that says how a model wants its text. */

import { OcelliError } from "../errors.ts";
import { hostArray } from "../graph/dtype.ts";
import { readWordPiece } from "./bert.ts";
import { TOKEN_SETS, type TokenizerCard, parseTokenizerCard } from "./card.ts";
import { canonicalText } from "./canonical.ts";
import { readClip } from "./clip/clip.ts";
import { readTokenizerJson } from "./huggingface/tokenizer-json.ts";
import { type RowLayout, layRow, lowerAscii, unlayRow } from "./layout.ts";
import { addPieces, readSentencePieceModel } from "./sentencepiece/model.ts";
import { createSentencePiece } from "./sentencepiece/processor.ts";
import type { TextCodec, Tokenizer } from "./tokenizer.ts";

/**
 * A tokenizer from a vocabulary's bytes.
 *
 * @throws a configuration error where card and vocabulary do not fit, a format error where the bytes are damaged
 * @example
 * const rules = { lower: "ascii", bos: "no", eos: "sticky", pad: 1, length: 64 } as const; // SigLIP's
 * const { tokenize } = openTokenizer({ kind: "sentencepiece", ...rules }, bytes);
 * tokenize(["a photo of a dog", "a red bird"]); // int32 [2, 64]
 */
export function openTokenizer(card: TokenizerCard, bytes: Uint8Array): Tokenizer {
  const checked = parseTokenizerCard(card);
  const codec = openCodec(checked, bytes);
  const layout = layoutOf(checked, codec);
  const { length } = layout;
  const { kind } = checked;
  // CLIP lowers what has been cleaned, and BERT takes accents off as it lowers
  const isLowered = kind === "clip" || (kind === "wordpiece" && checked.lower === "unicode");
  const lower = LOWER[isLowered ? "none" : checked.lower];
  const clean = checked.canonical ? canonicalText : (text: string) => text;
  const encode = (text: string): number[] => codec.encode(clean(lower(text.toWellFormed())));
  const pad = (ids: readonly number[]): Int32Array => layRow(ids, layout);
  return {
    card: checked,
    vocabularySize: codec.vocabularySize,
    bosId: layout.bosId,
    eosId: layout.eosId,
    padId: layout.padId,
    unkId: codec.special.unk,
    encode,
    pad,
    tokenize(texts) {
      const data = new Int32Array(texts.length * length);
      texts.forEach((text, i) => data.set(pad(encode(text)), i * length));
      return hostArray([texts.length, length], "int32", data);
    },
    decode: (ids) => codec.decode(unlayRow([...ids], layout)),
    idOf: codec.idOf,
    pieceOf: codec.pieceOf,
  };
}

const LOWER: Readonly<Record<TokenizerCard["lower"], (text: string) => string>> = {
  none: (text) => text,
  ascii: lowerAscii,
  unicode: (text) => text.toLowerCase(),
};

function openCodec({ kind, lower, tokenSets = [] }: TokenizerCard, bytes: Uint8Array): TextCodec {
  const isJson = /^\s*\{\s*["}]/.test(String.fromCharCode(...bytes.subarray(0, 8)));
  if (isJson !== (kind === "tokenizer.json")) {
    const what = isJson ? "are JSON" : "are not JSON";
    throw new OcelliError(
      "config",
      `the tokenizer does not fit its card: "kind" is "${kind}", but the bytes ${what}.`,
      { hint: isJson ? 'Is "tokenizer.json" meant?' : "Is it another file?" },
    );
  }
  if (kind !== "sentencepiece" && tokenSets.length > 0) {
    throw new OcelliError(
      "config",
      `a tokenizer's card: "tokenSets" are for kind "sentencepiece", not "${kind}".`,
    );
  }
  if (kind === "clip") return readClip(bytes, LOWER[lower]);
  if (kind === "wordpiece") return readWordPiece(bytes, { lowercase: lower === "unicode" });
  if (kind === "tokenizer.json") return readTokenizerJson(bytes);
  const names = tokenSets.flatMap((set) => {
    const { count, digits } = TOKEN_SETS[set];
    return Array.from({ length: count }, (_, i) => `<${set}${String(i).padStart(digits, "0")}>`);
  });
  return createSentencePiece(addPieces(readSentencePieceModel(bytes), names));
}

function layoutOf(card: TokenizerCard, codec: TextCodec): RowLayout {
  const { vocabularySize, special } = codec;
  const fail = (message: string): never => {
    throw new OcelliError("config", `the tokenizer does not fit its card: ${message}`);
  };
  if (card.vocabulary !== undefined && card.vocabulary !== vocabularySize) {
    fail(`it has ${vocabularySize} pieces, the card says ${card.vocabulary}.`);
  }
  if (card.pad >= vocabularySize) {
    fail(`"pad" is ${card.pad}; valid: 0 to ${vocabularySize - 1}.`);
  }
  const idOf = (part: "bos" | "eos"): number | undefined => {
    if (card[part] === "no" || card[part] === "none") return undefined;
    const name = part === "bos" ? card.bosPiece : card.eosPiece;
    const id = name === undefined ? special[part] : codec.idOf(name);
    if (id !== undefined) return id;
    if (name !== undefined) return fail(`it has no piece "${name}" ("${part}Piece").`);
    return fail(
      `it names no ${part.toUpperCase()}; say which piece is meant by "${part}Piece", or "${part}": "${part === "bos" ? "no" : "none"}".`,
    );
  };
  return {
    length: card.length,
    padId: card.pad,
    bosId: idOf("bos"),
    eosId: idOf("eos"),
    isSticky: card.eos === "sticky",
  };
}
