/** @file SentencePiece's table of replacements as `tokenizers` applies it: to whole graphemes, then to characters. */

import { formatError } from "../../formats/bytes.ts";
import { Charsmap } from "../sentencepiece/charsmap.ts";
import type { Normalizer } from "./kinds.ts";

/** The most bytes of a grapheme that is replaced as a whole. */
const MOST_BYTES = 5;
const MOST_KNOWN = 1 << 16;
/** Printable ASCII between others: each is a grapheme. */
const PLAIN = /(?<=^|[ -~])[ -~]+(?=[ -~]|$)/g;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Replacement by a table in base64; an empty one replaces nothing. */
export function createPrecompiled(base64: string): Normalizer {
  if (base64 === "") return (text) => text;
  const charsmap = new Charsmap(decodeBase64(base64));
  const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
  let known = new Map<string, string>();

  function replacementOf(text: string): string | undefined {
    const bytes = encoder.encode(text);
    if (charsmap.matchShortest(bytes, 0, bytes.length) === 0) return undefined;
    return decoder.decode(charsmap.replacements.subarray(charsmap.begin, charsmap.end));
  }
  function replace(grapheme: string): string {
    const found = known.get(grapheme);
    if (found !== undefined) return found;
    const isShort = encoder.encode(grapheme).length <= MOST_BYTES;
    const whole = isShort ? replacementOf(grapheme) : undefined;
    const result = whole ?? Array.from(grapheme, (one) => replacementOf(one) ?? one).join("");
    if (known.size >= MOST_KNOWN) known = new Map();
    known.set(grapheme, result);
    return result;
  }
  const replaceAll = (text: string): string => {
    let result = "";
    for (const { segment } of segmenter.segment(text)) result += replace(segment);
    return result;
  };
  return (text) => {
    let result = "";
    let at = 0;
    for (const { index, 0: plain } of text.matchAll(PLAIN)) {
      result += replaceAll(text.slice(at, index));
      for (const character of plain) result += replace(character);
      at = index + plain.length;
    }
    return result + replaceAll(text.slice(at));
  };
}

function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw formatError("tokenizer.json: precompiled_charsmap is not base64.", cause);
  }
}
