/** @file BLEU: which part of the captions' n-grams occurs in a reference. */

import {
  type CaptionScore,
  type JudgedCaption,
  MAX_N,
  checkCaptions,
  countNgrams,
  wordsOf,
} from "./captions.ts";

const SMALL = 1e-9;
const TINY = 1e-15;

/** What BLEU counts. */
interface Counts {
  readonly length: number;
  /** The length of the reference nearest in length, the shorter of two that are. */
  readonly referenceLength: number;
  /** N-grams of the caption by n - 1, and those of them that a reference has too. */
  readonly guessed: readonly number[];
  readonly correct: readonly number[];
}

/**
 * BLEU-1 to BLEU-4 of a set of captions, by n - 1: the geometric mean of the precisions up to n over all captions, times
 * the penalty for brevity.
 *
 * @see Papineni et al. 2002; smoothing by 1e-15 and 1e-9, as pycocoevalcap has it
 */
export function bleu(captions: readonly JudgedCaption[]): readonly CaptionScore[] {
  checkCaptions(captions);
  const counts = captions.map(countCaption);
  const scores = scoreCounts(counts.reduce(addCounts));
  const each = counts.map(scoreCounts);
  return scores.map((score, i) => ({ score, each: each.map((values) => values[i]) }));
}

function countCaption({ caption, references }: JudgedCaption): Counts {
  const words = wordsOf(caption);
  const others = references.map(wordsOf);
  const [referenceLength] = others
    .map(({ length }) => length)
    .sort((a, b) => Math.abs(a - words.length) - Math.abs(b - words.length) || a - b);
  const counted = others.map(countNgrams);
  const correct = countNgrams(words).map((map, i) =>
    [...map].reduce((sum, [ngram, count]) => {
      const most = Math.max(...counted.map((reference) => reference[i].get(ngram) ?? 0));
      return sum + Math.min(count, most);
    }, 0),
  );
  const guessed = correct.map((_, i) => Math.max(0, words.length - i));
  return { length: words.length, referenceLength, guessed, correct };
}

const addCounts = (a: Counts, b: Counts): Counts => ({
  length: a.length + b.length,
  referenceLength: a.referenceLength + b.referenceLength,
  guessed: a.guessed.map((count, i) => count + b.guessed[i]),
  correct: a.correct.map((count, i) => count + b.correct[i]),
});

function scoreCounts({ length, referenceLength, guessed, correct }: Counts): number[] {
  const ratio = (length + TINY) / (referenceLength + SMALL);
  const penalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return Array.from({ length: MAX_N }, (_, i) => {
    product *= (correct[i] + TINY) / (guessed[i] + SMALL);
    return product ** (1 / (i + 1)) * penalty;
  });
}
