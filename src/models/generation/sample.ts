/** @file The next token by its score: the likeliest, or one that is drawn. */

import {
  type Tensor,
  add,
  arange,
  argMax,
  broadcastTo,
  convert,
  cumSum,
  div,
  foldIn,
  greaterEqual,
  gumbel,
  less,
  neg,
  reduceSum,
  select,
  sliceAxis,
  softmax,
  sort,
  takeAlongAxis,
  topK as largest,
  vmap,
} from "../../graph/index.ts";
import type { GenerationOptions } from "./options.ts";

/** The score of what must not be chosen. */
const NEVER = -1e7;

/**
 * Scores [rows, vocabulary] divided by the temperature, and −1e7 for tokens that are not drawn from: those below the
 * `topK` largest, and those after the first few that together have the probability `topP`. Holtzman et al. 2020,
 * arXiv:1904.09751, section 3.1.
 */
export function filterScores(
  scores: Tensor,
  { temperature = 1, topK, topP = 1 }: Pick<GenerationOptions, "temperature" | "topK" | "topP">,
): Tensor {
  const [, vocabulary] = scores.shape;
  let kept = div(scores, temperature);
  const keepFrom = (least: Tensor): void => {
    kept = select(greaterEqual(kept, broadcastTo(least, kept.shape)), kept, NEVER);
  };
  if (topK !== undefined && topK < vocabulary) {
    keepFrom(sliceAxis(largest(kept, topK).values, 1, topK - 1, topK)); // [rows, 1]
  }
  if (topP < 1) {
    const sorted = neg(sort(neg(kept), 1));
    const before = less(cumSum(softmax(sorted), 1), topP); // [rows, vocabulary]
    const last = reduceSum(convert(before, "int32"), 1, { keepDims: true }); // [rows, 1]
    keepFrom(takeAlongAxis(sorted, last, 1));
  }
  return kept;
}

/** The likeliest token of each row, int32 [rows]. */
export const likeliest = (scores: Tensor): Tensor => argMax(scores, 1);

/** A token for each row by the probabilities of its scores, int32 [rows]; a row draws the same beside any others. */
export function draw(scores: Tensor, key: Tensor): Tensor {
  const [rows, vocabulary] = scores.shape;
  const noise = vmap((row: Tensor) => gumbel(foldIn(key, row), [vocabulary]))(
    arange(rows, "uint32"),
  );
  return argMax(add(scores, noise), 1);
}
