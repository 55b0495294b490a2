/** @file The pieces of a SentencePiece model, by id, by name and by prefix. */

import { formatError } from "../../formats/bytes.ts";
import { ByteTrie } from "../byte-trie.ts";
import type { PieceType, SentencePieceModel } from "./model.ts";

/** What encoding and decoding ask of a model's pieces. */
export interface Vocabulary {
  readonly size: number;
  readonly pieces: readonly string[];
  readonly types: readonly PieceType[];
  readonly scores: Float32Array;
  readonly unkId: number;
  /** The pieces that text is cut into. */
  readonly trie: ByteTrie;
  /** Those that are found before all others; undefined where there are none. */
  readonly userDefined?: ByteTrie;
  /** The ids of the bytes' pieces; undefined where unknown characters stay unknown. */
  readonly byteIds?: Int32Array;
  /** What a byte's piece stands for, by id. */
  readonly byteOf: ReadonlyMap<number, number>;
  /** The id of a piece by its name. */
  readonly idOf: (piece: string) => number | undefined;
}

const WHAT = "SentencePiece model";
const encoder = new TextEncoder();
const isCut = (type: PieceType): boolean =>
  type === "normal" || type === "user-defined" || type === "unused";

/** A model's pieces; pieces that contradict one another are a format error. */
export function readVocabulary(model: SentencePieceModel): Vocabulary {
  const { pieces } = model;
  const cut = new Map<string, number>();
  const reserved = new Map<string, number>();
  const trie = new ByteTrie(pieces.length * 2);
  const userDefined = new ByteTrie();
  const byteOf = new Map<number, number>();
  let unkId = -1;
  pieces.forEach(({ piece, type }, id) => {
    const names = isCut(type) ? cut : reserved;
    if (names.has(piece)) throw formatError(`${WHAT}: the piece "${piece}" occurs twice.`);
    names.set(piece, id);
    if (isCut(type)) trie.add(encoder.encode(piece), id);
    if (type === "user-defined") userDefined.add(encoder.encode(piece), id);
    if (type === "unknown") {
      if (unkId !== -1) throw formatError(`${WHAT}: it has two unknown pieces.`);
      unkId = id;
    }
    if (type === "byte") byteOf.set(id, parseByte(piece));
  });
  if (unkId === -1) throw formatError(`${WHAT}: it has no unknown piece.`);
  return {
    size: pieces.length,
    pieces: pieces.map(({ piece }) => piece),
    types: pieces.map(({ type }) => type),
    scores: Float32Array.from(pieces, ({ score }) => score),
    unkId,
    trie,
    userDefined: pieces.some(({ type }) => type === "user-defined") ? userDefined : undefined,
    byteIds: model.byteFallback ? idsOfBytes(byteOf) : undefined,
    byteOf,
    idOf: (piece) => reserved.get(piece) ?? cut.get(piece),
  };
}

function parseByte(piece: string): number {
  const [, hex] = /^<0x([0-9A-F]{2})>$/.exec(piece) ?? [];
  if (hex === undefined) throw formatError(`${WHAT}: "${piece}" is not the piece of a byte.`);
  return parseInt(hex, 16);
}

function idsOfBytes(byteOf: ReadonlyMap<number, number>): Int32Array {
  const ids = new Int32Array(256).fill(-1);
  for (const [id, byte] of byteOf) ids[byte] = id;
  if (ids.includes(-1)) throw formatError(`${WHAT}: it falls back to bytes but lacks some.`);
  return ids;
}
