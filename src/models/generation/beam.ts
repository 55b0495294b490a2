/** @file Beam search: several texts followed side by side, of which the likeliest that ends is the answer. */

import {
  type Tensor,
  add,
  arange,
  argMax,
  convert,
  div,
  dynamicUpdateSlice,
  equal,
  expandDims,
  full,
  greater,
  indexAxis,
  iota,
  logSoftmax,
  mul,
  pow,
  reduceMax,
  reduceOr,
  rem,
  reshape,
  scalar,
  select,
  take,
  topK,
} from "../../graph/index.ts";
import type { Scope } from "../../nn/index.ts";
import type { Tree } from "../../tree.ts";
import { repeatSteps } from "./loop.ts";
import type { Writer } from "./writer.ts";

/** The score of a text that is none. */
const NONE = -1e30;

/** How texts are searched for. */
export interface BeamSearch {
  readonly examples: number;
  readonly beams: number;
  readonly length: number;
  readonly lengthPenalty: number;
  /** The id that ends a text, and the one that fills a row after it. */
  readonly end: number;
  readonly pad: number;
}

/**
 * The likeliest of the texts that end within `length` tokens, int32 [examples, length] with `pad` after the end. At each
 * step every text that is followed is tried as ended there, and the likeliest that go on are followed. Wu et al. 2016,
 * arXiv:1609.08144, section 7, with its penalty for length.
 */
export function beamSearch(
  writer: Writer,
  scope: Scope,
  read: Tree<Tensor>,
  { examples, beams, length, lengthPenalty, end, pad }: BeamSearch,
): Tensor {
  const rows = examples * beams;
  const { rowAxis } = writer;
  const first = expandDims(mul(arange(examples, "int32"), beams), 1); // [examples, 1], each one's first row
  /** Sums of log-probabilities of texts of so many tokens, comparable with those of other lengths. */
  const byLength = (scores: Tensor, tokens: Tensor): Tensor => {
    if (lengthPenalty === 0) return scores;
    return div(scores, pow(div(add(convert(tokens, "float32"), 5), 6), lengthPenalty));
  };

  const step = ([
    position,
    token,
    live, // [rows, length]
    scores, // [examples, beams]
    best, // [examples, length]
    bestScore, // [examples]
    ...before
  ]: readonly Tensor[]): readonly Tensor[] => {
    const made = writer.next(scope, { read, caches: before, token, position });
    const vocabulary = made.scores.shape[1];
    const all = [examples, beams, vocabulary];
    const total = add(reshape(logSoftmax(made.scores), all), expandDims(scores, 2));
    const place = [scalar(0, "int32"), position];

    const ended = byLength(indexAxis(total, 2, end), add(position, 1)); // [examples, beams]
    const endedRow = add(reshape(first, [examples]), argMax(ended, 1));
    const lastOnes = full([examples, 1], end, "int32");
    const endedText = dynamicUpdateSlice(take(live, endedRow), lastOnes, place);
    const endedScore = reduceMax(ended, 1);
    const isBetter = greater(endedScore, bestScore);

    const going = select(equal(iota(all, "int32", 2), end), NONE, total);
    const { values, indices } = topK(reshape(going, [examples, beams * vocabulary]), beams);
    const written = reshape(rem(indices, vocabulary), [rows]);
    const parent = reshape(add(div(indices, vocabulary), first), [rows]);
    return [
      add(position, 1),
      written,
      dynamicUpdateSlice(take(live, parent), expandDims(written, 1), place),
      values,
      select(expandDims(isBetter, 1), endedText, best),
      select(isBetter, endedScore, bestScore),
      ...made.caches.map((cache) => take(cache, parent, rowAxis)),
    ];
  };

  /** Whether a text may still end better than the best that has ended: log-probabilities only fall. */
  const goesOn = ([, , , scores, , bestScore]: readonly Tensor[]): Tensor =>
    reduceOr(greater(byLength(reduceMax(scores, 1), scalar(length, "int32")), bestScore));

  const initial = [
    scalar(0, "int32"),
    full([rows], 0, "int32"),
    full([rows, length], pad, "int32"),
    select(equal(iota([examples, beams], "int32", 1), 0), scalar(0, "float32"), NONE),
    full([examples, length], pad, "int32"),
    full([examples], NONE, "float32"),
    ...writer.caches(rows, length),
  ];
  return repeatSteps(step, goesOn, initial, length)[4];
}
