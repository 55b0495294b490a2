/** @file How SentencePiece normalises text: replacements, spaces, and the mark of a space "▁". */

import type { ByteTrie } from "../byte-trie.ts";
import { Charsmap } from "./charsmap.ts";
import type { NormalizerSpec } from "./model.ts";

/** Normalised text as UTF-8, valid until the next call. */
export type Normalize = (text: string) => Uint8Array;

const SPACE = 0x20;
/** "▁" */
const MARK = [0xe2, 0x96, 0x81];
const encoder = new TextEncoder();

/** How many bytes the character takes that begins with a byte. */
export function charLength(byte: number): number {
  if (byte < 0xc0) return 1;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

/** Normalisation by a model's rules; pieces among `kept` are left as they are. */
export function createNormalizer(
  { charsmap: table, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces }: NormalizerSpec,
  { kept, markAsSuffix }: { readonly kept?: ByteTrie; readonly markAsSuffix: boolean },
): Normalize {
  const charsmap = table.length > 0 ? new Charsmap(table) : undefined;
  const mark = escapeWhitespaces ? MARK : [SPACE];
  let input = new Uint8Array(1024);
  let output = new Uint8Array(4096);
  let size = 0;

  // What stands at a place of the input: how many bytes, and which bytes they become.
  let source: Uint8Array = input;
  let [begin, end] = [0, 0];
  function take(at: number, length: number): number {
    const keep = kept ? kept.longest(input, at, length) - at : 0;
    const replaced = keep === 0 && charsmap ? charsmap.match(input, at, length) : 0;
    if (charsmap && replaced > 0) {
      source = charsmap.replacements;
      ({ begin, end } = charsmap);
      return replaced;
    }
    const taken = keep > 0 ? keep : Math.min(charLength(input[at]), length - at);
    source = input;
    [begin, end] = [at, at + taken];
    return taken;
  }

  /** Makes room for a number of bytes, each of which may become a mark. */
  function reserve(bytes: number): void {
    if (size + 3 * bytes <= output.length) return;
    const larger = new Uint8Array(2 * (size + 3 * bytes));
    larger.set(output.subarray(0, size));
    output = larger;
  }

  function putMark(): void {
    reserve(1);
    for (const byte of mark) output[size++] = byte;
  }

  const endsWithMark = (): boolean =>
    size >= mark.length && mark.every((byte, i) => output[size - mark.length + i] === byte);

  return (text) => {
    size = 0;
    if (text === "") return output.subarray(0, 0);
    if (input.length < 3 * text.length) input = new Uint8Array(6 * text.length);
    const { written: length } = encoder.encodeInto(text, input);
    let at = 0;
    if (removeExtraWhitespaces) {
      while (at < length) {
        const taken = take(at, length);
        if (end - begin !== 1 || source[begin] !== SPACE) break;
        at += taken;
      }
      if (at === length) return output.subarray(0, 0);
    }
    if (addDummyPrefix && !markAsSuffix) putMark();
    let isAfterSpace = removeExtraWhitespaces;
    while (at < length) {
      at += take(at, length);
      while (isAfterSpace && begin < end && source[begin] === SPACE) begin++;
      if (begin === end) continue;
      isAfterSpace = removeExtraWhitespaces && source[end - 1] === SPACE;
      reserve(end - begin);
      for (let i = begin; i < end; i++) {
        if (source[i] === SPACE) putMark();
        else output[size++] = source[i];
      }
    }
    if (removeExtraWhitespaces) while (endsWithMark()) size -= mark.length;
    if (addDummyPrefix && markAsSuffix) putMark();
    return output.subarray(0, size);
  };
}
