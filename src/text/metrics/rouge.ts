/** @file ROUGE-L: the longest run of words, with gaps, that a caption shares with a reference. */

import { type CaptionScore, type JudgedCaption, checkCaptions, mean } from "./captions.ts";

const BETA = 1.2;

/**
 * ROUGE-L of a set of captions, the mean over them: the F measure of the best precision and the best recall over the
 * references, recall weighing 1.2 squared.
 *
 * @see Lin 2004, section 3; the figures are those of pycocoevalcap
 */
export function rougeL(captions: readonly JudgedCaption[]): CaptionScore {
  checkCaptions(captions);
  const each = captions.map(({ caption, references }) => {
    const words = caption.split(" ");
    const others = references.map((reference) => reference.split(" "));
    const shared = others.map((other) => commonLength(words, other));
    const precision = Math.max(...shared.map((length) => length / words.length));
    const recall = Math.max(...shared.map((length, i) => length / others[i].length));
    if (precision === 0 || recall === 0) return 0;
    return ((1 + BETA ** 2) * precision * recall) / (recall + BETA ** 2 * precision);
  });
  return { score: mean(each), each };
}

/** The length of the longest common subsequence. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = new Int32Array(b.length + 1);
  for (const word of a) {
    const next = new Int32Array(b.length + 1);
    b.forEach((other, j) => {
      next[j + 1] = word === other ? row[j] + 1 : Math.max(next[j], row[j + 1]);
    });
    row = next;
  }
  return row[b.length];
}
