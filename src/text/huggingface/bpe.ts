/** @file Byte-pair encoding of a word's characters, as the PyPI package `tokenizers` does it. */

import { OcelliError } from "../../errors.ts";
import { formatError } from "../../formats/bytes.ts";
import { type Merges, applyMerges, createMerges } from "../byte-pairs.ts";
import { PairTable } from "../pair-table.ts";
import { remember } from "../word-cache.ts";
import { byteIdsIn } from "../pieces.ts";
import type { WordModel } from "./kinds.ts";

/** The options of byte-pair encoding. */
export interface BpeOptions {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly unk?: string;
  /** What stands before a symbol that goes on a word. */
  readonly prefix: string;
  /** What stands after a symbol that ends a word. */
  readonly suffix: string;
  readonly fuseUnk: boolean;
  readonly byteFallback: boolean;
  /** Whether a word that is a piece is taken whole. */
  readonly ignoreMerges: boolean;
}

const encoder = new TextEncoder();

/** Words to the ids of their pieces. */
export function createBpe(options: BpeOptions): WordModel {
  const { vocab, ignoreMerges, prefix, suffix } = options;
  const merges = readMerges(options);
  const toSymbols = createSymbols(options);
  const encode: WordModel = (word) => applyMerges(toSymbols(word), merges);
  const cut =
    prefix === "" && suffix === "" && !ignoreMerges ? createCutter(options, encode) : encode;
  return (word) => {
    const whole = ignoreMerges ? vocab.get(word) : undefined;
    if (whole !== undefined) return [whole];
    return cut(word);
  };
}

/** What merges make is looked up at their first use: large vocabularies have half a million, of which a text uses few. */
function readMerges({ vocab, merges, prefix }: BpeOptions): Merges {
  const idOf = (piece: string): number => {
    const id = vocab.get(piece);
    if (id === undefined) throw formatError(`tokenizer.json: no piece "${piece}" of a merge.`);
    return id;
  };
  return createMerges(
    merges.map(([left, right]) => [idOf(left), idOf(right)]),
    (rank) => {
      const [left, right] = merges[rank];
      return idOf(left + right.slice(prefix.length));
    },
  );
}

/** A word's characters as ids: those that are no piece become bytes, or are unknown. */
function createSymbols(options: BpeOptions): (word: string) => number[] {
  const { vocab, unk, prefix, suffix, fuseUnk, byteFallback } = options;
  const unkId = unk === undefined ? undefined : vocab.get(unk);
  const byteIds = byteIdsIn(vocab);
  const bytesOf = (text: string): readonly number[] | undefined => {
    const ids = Array.from(encoder.encode(text), (byte) => byteIds[byte]);
    return ids.every((id) => id !== undefined) ? ids : undefined;
  };
  return (word) => {
    const symbols: number[] = [];
    let isAfterUnknown = false;
    for (let at = 0; at < word.length;) {
      const character = String.fromCodePoint(word.codePointAt(at) ?? 0);
      const isFirst = at === 0;
      at += character.length;
      const symbol = (isFirst ? "" : prefix) + character + (at === word.length ? suffix : "");
      const id = vocab.get(symbol);
      const bytes = id === undefined && byteFallback ? bytesOf(symbol) : undefined;
      if (id !== undefined) symbols.push(id);
      else if (bytes) symbols.push(...bytes);
      else if (unk !== undefined && !(isAfterUnknown && fuseUnk)) {
        if (unkId === undefined) {
          throw new OcelliError("format", `tokenizer.json: the vocabulary has no piece "${unk}".`);
        }
        symbols.push(unkId);
      }
      isAfterUnknown = id === undefined && !bytes;
    }
    return symbols;
  };
}

/**
 * Long texts that nothing has cut into words, cut where no merge joins what stands on both sides; so every part can be
 * encoded alone, and comes out as in the whole.
 */
function createCutter({ vocab, merges }: BpeOptions, encode: WordModel): WordModel {
  const encodePart = remember(encode);
  const joined = new PairTable(merges.length);
  for (const [left, right] of merges) {
    const last = lastCodePoint(left);
    joined.set(last, right.codePointAt(0) ?? 0, 1);
  }
  const isPiece = new Map<number, boolean>();
  const isKnown = (code: number): boolean => {
    let known = isPiece.get(code);
    if (known === undefined) {
      known = vocab.has(String.fromCodePoint(code));
      isPiece.set(code, known);
    }
    return known;
  };
  return (text) => {
    const ids: number[] = [];
    let begin = 0;
    let before = -1;
    for (let at = 0; at < text.length;) {
      const code = text.codePointAt(at) ?? 0;
      const isCut =
        before !== -1 && joined.get(before, code) === -1 && isKnown(before) && isKnown(code);
      if (isCut) {
        for (const id of encodePart(text.slice(begin, at))) ids.push(id);
        begin = at;
      }
      before = code;
      at += code > 0xffff ? 2 : 1;
    }
    if (begin < text.length) {
      for (const id of encodePart(text.slice(begin))) ids.push(id);
    }
    return ids;
  };
}

function lastCodePoint(text: string): number {
  const code = text.codePointAt(text.length - 2) ?? 0;
  return code > 0xffff ? code : text.charCodeAt(text.length - 1);
}
