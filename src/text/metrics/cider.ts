/** @file CIDEr-D: how near a caption's n-grams are to those of its references, rare ones weighing more. */

import {
  type CaptionScore,
  type JudgedCaption,
  MAX_N,
  checkCaptions,
  countNgrams,
  mean,
  wordsOf,
} from "./captions.ts";

const SIGMA = 6;
const SCALE = 10;

/** The weighted n-grams of a caption, by n - 1. */
interface Vector {
  readonly weights: readonly ReadonlyMap<string, number>[];
  readonly norms: readonly number[];
  /** The number of bigrams, which stands for the length as in the original. */
  readonly length: number;
}

/**
 * CIDEr-D of a set of captions, times 10 as is usual; an n-gram's weight comes from how many of the set's images have it
 * in a reference.
 *
 * @see Vedantam et al. 2015, section 4 and equation 6; the figures are those of pycocoevalcap
 */
export function ciderD(captions: readonly JudgedCaption[]): CaptionScore {
  checkCaptions(captions);
  const counted = captions.map(({ caption, references }) => ({
    caption: countNgrams(wordsOf(caption)),
    references: references.map((reference) => countNgrams(wordsOf(reference))),
  }));
  const images = new Map<string, number>();
  for (const { references } of counted) {
    const seen = new Set(references.flatMap((counts) => counts.flatMap((map) => [...map.keys()])));
    for (const ngram of seen) images.set(ngram, (images.get(ngram) ?? 0) + 1);
  }
  const logTotal = Math.log(captions.length);
  const toVector = (counts: ReturnType<typeof countNgrams>): Vector => {
    const weights = counts.map(
      (map) =>
        new Map(
          [...map].map(([ngram, count]) => [
            ngram,
            count * (logTotal - Math.log(images.get(ngram) ?? 1)),
          ]),
        ),
    );
    return {
      weights,
      norms: weights.map((map) => Math.sqrt([...map.values()].reduce((sum, x) => sum + x * x, 0))),
      length: [...counts[1].values()].reduce((sum, count) => sum + count, 0),
    };
  };
  const each = counted.map(({ caption, references }) => {
    const vector = toVector(caption);
    return SCALE * mean(references.map((reference) => similarity(vector, toVector(reference))));
  });
  return { score: mean(each), each };
}

/** The mean over n of the clipped cosine, less for captions of different length. */
function similarity(caption: Vector, reference: Vector): number {
  const delta = caption.length - reference.length;
  const penalty = Math.exp(-(delta ** 2) / (2 * SIGMA ** 2));
  let total = 0;
  for (let i = 0; i < MAX_N; i++) {
    let product = 0;
    for (const [ngram, weight] of caption.weights[i]) {
      const other = reference.weights[i].get(ngram) ?? 0;
      product += Math.min(weight, other) * other;
    }
    const norms = caption.norms[i] * reference.norms[i];
    total += (norms === 0 ? product : product / norms) * penalty;
  }
  return total / MAX_N;
}
