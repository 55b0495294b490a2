/** @file BERT's WordPiece by a list of pieces: `vocab.txt`, a piece a line. */

import { decodeUtf8, formatError } from "../formats/bytes.ts";
import { createBertNormalizer } from "./huggingface/normalizers.ts";
import { bertPreTokenizer } from "./huggingface/pre-tokenizers.ts";
import { wordPieceDecoder } from "./huggingface/decoders.ts";
import { createWordPiece } from "./huggingface/word-piece.ts";
import { piecesAt } from "./pieces.ts";
import type { TextCodec } from "./tokenizer.ts";
import { remember } from "./word-cache.ts";

const UNK = "[UNK]";
const PREFIX = "##";

/** Text to ids and back; lower-casing takes accents off too, as BERT's does. */
export function readWordPiece(
  bytes: Uint8Array,
  { lowercase }: { readonly lowercase: boolean },
): TextCodec {
  const lines = decodeUtf8(bytes, "WordPiece vocabulary").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const pieces = lines.map((line) => line.trimEnd());
  const vocab = new Map(pieces.map((piece, id) => [piece, id]));
  if (!vocab.has(UNK)) {
    throw formatError(
      `WordPiece vocabulary: it has no piece "${UNK}"; it must hold a piece a line.`,
    );
  }
  const normalize = createBertNormalizer({
    clean_text: true,
    handle_chinese_chars: true,
    lowercase,
  });
  const model = createWordPiece({ vocab, unk: UNK, prefix: PREFIX, maxCharacters: 100 });
  const encodeWord = remember(model);
  const decode = wordPieceDecoder({ prefix: PREFIX, cleanup: true });
  return {
    vocabularySize: pieces.length,
    encode(text) {
      const ids: number[] = [];
      for (const word of bertPreTokenizer(normalize(text), true)) {
        for (const id of encodeWord(word)) ids.push(id);
      }
      return ids;
    },
    decode: (ids) => decode(piecesAt(pieces, ids)).join(""),
    idOf: (piece) => vocab.get(piece),
    pieceOf: (id) => pieces[id],
    special: {
      bos: vocab.get("[CLS]"),
      eos: vocab.get("[SEP]"),
      unk: vocab.get(UNK),
    },
  };
}
