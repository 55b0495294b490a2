/** @file Encoding and decoding by a SentencePiece model. */

import { OcelliError } from "../../errors.ts";
import type { TextCodec } from "../tokenizer.ts";
import { createBpe } from "./bpe.ts";
import type { SentencePieceModel } from "./model.ts";
import { createNormalizer } from "./normalize.ts";
import { ALWAYS, NEVER, NORMAL, type Segment, createUnigram } from "./unigram.ts";
import { type Vocabulary, readVocabulary } from "./vocabulary.ts";

/** Text to ids and back; its ids are those of the PyPI package `sentencepiece`. */
export function createSentencePiece(model: SentencePieceModel): TextCodec {
  const vocabulary = readVocabulary(model);
  const { unkId, byteIds, userDefined, idOf, pieces, types } = vocabulary;
  const markAsSuffix = model.whitespaceAsSuffix;
  const normalize = createNormalizer(model.normalizer, { kept: userDefined, markAsSuffix });
  const segment = createSegment(model, vocabulary);
  const control = (name: string): number | undefined => {
    const id = idOf(name);
    return id !== undefined && types[id] === "control" ? id : undefined;
  };
  return {
    vocabularySize: vocabulary.size,
    encode(text) {
      const ids: number[] = [];
      const normalized = normalize(text);
      let isAfterUnknown = false;
      segment(normalized, (id, begin, end) => {
        const isUnknown = id === unkId;
        if (isUnknown && byteIds) {
          for (let i = begin; i < end; i++) ids.push(byteIds[normalized[i]]);
        } else if (!isUnknown || !isAfterUnknown) ids.push(id);
        isAfterUnknown = isUnknown;
      });
      return ids;
    },
    decode: createDecoder(model, vocabulary),
    idOf,
    pieceOf: (id) => pieces[id],
    special: {
      bos: control(model.bosPiece),
      eos: control(model.eosPiece),
      unk: unkId,
    },
  };
}

function createSegment({ type }: SentencePieceModel, vocabulary: Vocabulary): Segment {
  if (type === "bpe") return createBpe(vocabulary);
  if (type === "unigram") {
    const kindOf = { normal: NORMAL, "user-defined": ALWAYS, unused: NEVER } as const;
    const kinds = Uint8Array.from(vocabulary.types, (name) =>
      name in kindOf ? kindOf[name as keyof typeof kindOf] : 0,
    );
    return createUnigram({ ...vocabulary, kinds });
  }
  throw new OcelliError("unsupported", `SentencePiece model: type "${type}" is not supported.`, {
    given: type,
    valid: ["unigram", "bpe"],
    hint: "Valid: unigram, bpe.",
  });
}

function createDecoder(model: SentencePieceModel, vocabulary: Vocabulary): TextCodec["decode"] {
  const { pieces, types, byteOf, size } = vocabulary;
  const { addDummyPrefix, removeExtraWhitespaces } = model.normalizer;
  const denormalize =
    model.denormalizer.charsmap.length > 0
      ? createNormalizer(model.denormalizer, { markAsSuffix: false })
      : undefined;

  /** The text of a piece, and whether a mark of a space at the beginning was left out. */
  function textOf(id: number, isFirst: boolean): readonly [string, boolean] {
    const piece = pieces[id];
    if (types[id] === "control") return ["", false];
    if (types[id] === "unknown") return [model.unkSurface, false];
    const isMarked = isFirst && (addDummyPrefix || removeExtraWhitespaces) && piece[0] === "▁";
    const text = (isMarked ? piece.slice(1) : piece).replaceAll("▁", " ");
    return [text, isMarked && !removeExtraWhitespaces];
  }

  return (ids) => {
    let text = "";
    let bytes: number[] = [];
    let isFirst = true;
    let wasMarked = false;
    const flush = (): void => {
      if (bytes.length > 0) text += decodeBytes(bytes);
      bytes = [];
    };
    for (const id of ids) {
      if (!Number.isInteger(id) || id < 0 || id >= size) {
        throw new OcelliError("argument", `id ${id} is not among the ${size} of the vocabulary.`);
      }
      const byte = byteOf.get(id);
      if (byte !== undefined) {
        bytes.push(byte);
        continue;
      }
      flush();
      if (wasMarked || text !== "") isFirst = false;
      const [piece, marked] = textOf(id, isFirst);
      text += piece;
      wasMarked = marked;
    }
    flush();
    return denormalize ? new TextDecoder().decode(denormalize(text)) : text;
  };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text; every byte that is not part of a character becomes U+FFFD. */
function decodeBytes(bytes: readonly number[]): string {
  const all = Uint8Array.from(bytes);
  try {
    return strict.decode(all);
  } catch {
    let text = "";
    for (let at = 0; at < all.length;) {
      const [character, length] = decodeFirst(all, at);
      text += character;
      at += length;
    }
    return text;
  }
}

function decodeFirst(bytes: Uint8Array, at: number): readonly [string, number] {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    try {
      return [strict.decode(bytes.subarray(at, at + length)), length];
    } catch {
      // a longer sequence may be a character
    }
  }
  return ["\uFFFD", 1];
}
