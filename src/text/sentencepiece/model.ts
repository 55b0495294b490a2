/**
 * @file SentencePiece's `.model` file: pieces with scores, and how text is normalised before they are found in it.
 * @see https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { decodeUtf8, formatError, guard } from "../../formats/bytes.ts";

/** What a piece is: one that text is cut into, or one that stands for something else. */
export type PieceType = "normal" | "unknown" | "control" | "user-defined" | "unused" | "byte";

/** A piece of the vocabulary; its id is its place. */
export interface Piece {
  readonly piece: string;
  readonly score: number;
  readonly type: PieceType;
}

/** How text is normalised. */
export interface NormalizerSpec {
  /** A compiled table of replacements; empty where there is none. */
  readonly charsmap: Uint8Array;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  /** Whether a space becomes "▁". */
  readonly escapeWhitespaces: boolean;
}

/** The content of a `.model` file. */
export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  readonly type: "unigram" | "bpe" | "word" | "char";
  readonly byteFallback: boolean;
  /** Whether the mark of a space follows its word. */
  readonly whitespaceAsSuffix: boolean;
  readonly unkSurface: string;
  readonly bosPiece: string;
  readonly eosPiece: string;
  readonly padPiece: string;
  readonly normalizer: NormalizerSpec;
  readonly denormalizer: NormalizerSpec;
}

const WHAT = "SentencePiece model";
const PIECE_TYPES: readonly (PieceType | undefined)[] = [
  undefined,
  "normal",
  "unknown",
  "control",
  "user-defined",
  "unused",
  "byte",
];
const MODEL_TYPES = [undefined, "unigram", "bpe", "word", "char"] as const;

/** Reads the fields of a message by number; those without a reader are skipped. */
function readFields(
  bytes: Uint8Array,
  readers: Readonly<Record<number, (reader: BinaryReader, type: WireType) => void>>,
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const read = readers[field];
    if (read) read(reader, type);
    else reader.skip(type, field);
  }
}

function expectType(type: WireType, expected: WireType): void {
  if (type !== expected) throw formatError(`${WHAT}: a field has the wrong type.`);
}

function readBytes(reader: BinaryReader, type: WireType): Uint8Array {
  expectType(type, WireType.LengthDelimited);
  return reader.bytes();
}

const readText = (reader: BinaryReader, type: WireType): string =>
  decodeUtf8(readBytes(reader, type), WHAT);

function readFlag(reader: BinaryReader, type: WireType): boolean {
  expectType(type, WireType.Varint);
  return reader.bool();
}

function readChoice<T>(
  reader: BinaryReader,
  type: WireType,
  names: readonly (T | undefined)[],
  what: string,
): T {
  expectType(type, WireType.Varint);
  const number = reader.int32();
  const name = names[number];
  if (name === undefined) throw formatError(`${WHAT}: ${what} ${number} does not exist.`);
  return name;
}

function readPiece(bytes: Uint8Array): Piece {
  const read = { piece: "", score: 0, type: "normal" as PieceType };
  readFields(bytes, {
    1: (reader, type) => (read.piece = readText(reader, type)),
    2: (reader, type) => {
      expectType(type, WireType.Bit32);
      read.score = reader.float();
    },
    3: (reader, type) => (read.type = readChoice(reader, type, PIECE_TYPES, "the type of piece")),
  });
  if (read.piece === "") throw formatError(`${WHAT}: a piece is empty.`);
  if (Number.isNaN(read.score)) throw formatError(`${WHAT}: a score is not a number.`);
  return read;
}

function readNormalizer(bytes: Uint8Array): NormalizerSpec {
  const read = {
    charsmap: new Uint8Array(),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  };
  readFields(bytes, {
    2: (reader, type) => (read.charsmap = new Uint8Array(readBytes(reader, type))),
    3: (reader, type) => (read.addDummyPrefix = readFlag(reader, type)),
    4: (reader, type) => (read.removeExtraWhitespaces = readFlag(reader, type)),
    5: (reader, type) => (read.escapeWhitespaces = readFlag(reader, type)),
  });
  return read;
}

function readTrainer(bytes: Uint8Array) {
  const read = {
    type: "unigram" as SentencePieceModel["type"],
    byteFallback: false,
    whitespaceAsSuffix: false,
    unkSurface: " \u2047 ",
    bosPiece: "<s>",
    eosPiece: "</s>",
    padPiece: "<pad>",
  };
  readFields(bytes, {
    3: (reader, type) => (read.type = readChoice(reader, type, MODEL_TYPES, "the model type")),
    24: (reader, type) => (read.whitespaceAsSuffix = readFlag(reader, type)),
    35: (reader, type) => (read.byteFallback = readFlag(reader, type)),
    44: (reader, type) => (read.unkSurface = readText(reader, type)),
    46: (reader, type) => (read.bosPiece = readText(reader, type)),
    47: (reader, type) => (read.eosPiece = readText(reader, type)),
    48: (reader, type) => (read.padPiece = readText(reader, type)),
  });
  return read;
}

/** The content of a `.model` file's bytes; what is not one is a format error. */
export function readSentencePieceModel(bytes: Uint8Array): SentencePieceModel {
  return guard(WHAT, () => {
    const pieces: Piece[] = [];
    let trainer = readTrainer(new Uint8Array());
    let normalizer = readNormalizer(new Uint8Array());
    let denormalizer = normalizer;
    readFields(bytes, {
      1: (reader, type) => pieces.push(readPiece(readBytes(reader, type))),
      2: (reader, type) => (trainer = readTrainer(readBytes(reader, type))),
      3: (reader, type) => (normalizer = readNormalizer(readBytes(reader, type))),
      5: (reader, type) => (denormalizer = readNormalizer(readBytes(reader, type))),
    });
    if (pieces.length === 0) throw formatError(`${WHAT}: it has no pieces.`);
    return { pieces, ...trainer, normalizer, denormalizer };
  });
}

/**
 * A model with further pieces that are found in text before all others: one that it has already becomes such a piece
 * where it is, new ones follow in sorted order with score 0.
 */
export function addPieces(model: SentencePieceModel, names: readonly string[]): SentencePieceModel {
  const added = new Set(names);
  const pieces = model.pieces.map((piece) =>
    added.has(piece.piece) ? { ...piece, type: "user-defined" as const, score: 0 } : piece,
  );
  for (const { piece } of model.pieces) added.delete(piece);
  const sorted = [...added].sort((a, b) => (a < b ? -1 : 1));
  pieces.push(...sorted.map((piece) => ({ piece, score: 0, type: "user-defined" as const })));
  return { ...model, pieces };
}
