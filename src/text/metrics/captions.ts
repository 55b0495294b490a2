/** @file Captions beside their references, and what measures of them share. */

import { OcelliError } from "../../errors.ts";

/** A caption and what people wrote for the same image; all are words between spaces, lower-cased and without punctuation. */
export interface JudgedCaption {
  readonly caption: string;
  readonly references: readonly string[];
}

/** A measure of a set of captions, and of each. */
export interface CaptionScore {
  readonly score: number;
  readonly each: readonly number[];
}

/** The longest n-grams that count. */
export const MAX_N = 4;

/** An error where there is nothing to compare, or nothing to compare with. */
export function checkCaptions(captions: readonly JudgedCaption[]): void {
  if (captions.length === 0) {
    throw new OcelliError("argument", "captions cannot be measured: there are none.");
  }
  const at = captions.findIndex(({ references }) => references.length === 0);
  if (at === -1) return;
  throw new OcelliError("argument", `caption ${at} ("${captions[at].caption}") has no reference.`);
}

/** The words of a caption. */
export const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** How often each n-gram of 1 to 4 words occurs: by n - 1, then by the words. */
export function countNgrams(words: readonly string[]): readonly ReadonlyMap<string, number>[] {
  return Array.from({ length: MAX_N }, (_, i) => {
    const counts = new Map<string, number>();
    for (let at = 0; at + i < words.length; at++) {
      const ngram = words.slice(at, at + i + 1).join(" ");
      counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
    }
    return counts;
  });
}

/** The mean of values. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
