/**
 * @file The compiled table of replacements of a SentencePiece model: a double-array trie of what is replaced, then what
 * replaces it, texts that end with a zero byte.
 * @see https://github.com/google/sentencepiece/blob/master/src/normalizer.cc
 */

import { formatError, viewOf } from "../../formats/bytes.ts";

const WHAT = "SentencePiece model's table of replacements";
const LABEL = 0x800000ff;

/** Replacements by longest prefix. */
export class Charsmap {
  /** What replaces: ranges of these bytes. */
  readonly replacements: Uint8Array;
  /** Where the replacement last found lies. */
  begin = 0;
  end = 0;
  private readonly units: Uint32Array;

  /** From the bytes in the model, or in `tokenizer.json`. */
  constructor(bytes: Uint8Array) {
    const size = bytes.length >= 4 ? viewOf(bytes).getUint32(0, true) : 0;
    if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length) {
      throw formatError(`${WHAT} is truncated or damaged.`);
    }
    this.units = new Uint32Array(bytes.slice(4, 4 + size).buffer);
    this.replacements = bytes.slice(4 + size);
  }

  /** How many of the bytes from `at` are replaced, by the longest rule; 0 where none fits. Sets `begin` and `end`. */
  match(bytes: Uint8Array, at: number, length: number): number {
    return this.walk(bytes, at, length, Infinity);
  }

  /** The same by the shortest rule. */
  matchShortest(bytes: Uint8Array, at: number, length: number): number {
    return this.walk(bytes, at, length, 1);
  }

  private walk(bytes: Uint8Array, at: number, length: number, rules: number): number {
    const { units, replacements } = this;
    let node = offsetOf(units[0]);
    let matched = 0;
    let value = 0;
    for (let i = at, left = rules; i < length && left > 0; i++) {
      node ^= bytes[i];
      if (node >= units.length) throw formatError(`${WHAT} points beyond its end.`);
      const unit = units[node];
      if ((unit & LABEL) >>> 0 !== bytes[i]) break;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) {
        if (node >= units.length) throw formatError(`${WHAT} points beyond its end.`);
        matched = i + 1 - at;
        value = units[node] & 0x7fffffff;
        left--;
      }
    }
    if (matched === 0) return 0;
    if (value >= replacements.length) throw formatError(`${WHAT} points beyond its end.`);
    const zero = replacements.indexOf(0, value);
    this.begin = value;
    this.end = zero === -1 ? replacements.length : zero;
    return matched;
  }
}

const offsetOf = (unit: number): number => ((unit >>> 10) << ((unit & 512) >>> 6)) >>> 0;
