/** @file Texts written by a model: greedily, drawn, or by beam search; one program for all tokens. */

import {
  type Tensor,
  add,
  dynamicUpdateSlice,
  equal,
  expandDims,
  foldIn,
  full,
  logicalNot,
  logicalOr,
  randomKey,
  reduceOr,
  scalar,
  select,
  sliceAxis,
} from "../../graph/index.ts";
import type { Scope } from "../../nn/index.ts";
import type { FieldArrays } from "../model.ts";
import { beamSearch } from "./beam.ts";
import { repeatSteps } from "./loop.ts";
import { type GenerationOptions, checkGeneration, isSampled } from "./options.ts";
import { draw, filterScores, likeliest } from "./sample.ts";
import type { Writer } from "./writer.ts";

/** The ids that mark a text in its row. */
export interface TextMarks {
  /** Ends a text. */
  readonly end: number;
  /** Fills a row after the end. */
  readonly pad: number;
  /** How many tokens may be written, where the model scores more than its tokenizer has. Default: all. */
  readonly vocabulary?: number;
}

/**
 * A text for each example, int32 [examples, length]: its ids with `end`, then `pad`.
 *
 * @throws an argument error where options do not go together
 */
export function writeTexts(
  model: Writer,
  scope: Scope,
  fields: FieldArrays,
  { end, pad, vocabulary }: TextMarks,
  options: GenerationOptions = {},
): Tensor {
  const writer = withVocabulary(model, vocabulary);
  checkGeneration(options, writer.limit);
  const { beams = 1, lengthPenalty = 0, maxLength: length = writer.limit } = options;
  const [examples] = fields.image.shape;
  const read = writer.read(scope, fields);
  if (beams > 1) {
    const search = { examples, beams, length, lengthPenalty, end, pad };
    return beamSearch(writer, scope, read, search);
  }
  const key = isSampled(options) ? randomKey(options.seed ?? 0) : undefined;
  const step = ([position, token, done, texts, ...before]: readonly Tensor[]): Tensor[] => {
    const { scores, caches } = writer.next(scope, { read, caches: before, token, position });
    const chosen = key
      ? draw(filterScores(scores, options), foldIn(key, position))
      : likeliest(scores);
    const written = select(done, scalar(pad, "int32"), chosen);
    const place = [scalar(0, "int32"), position];
    return [
      add(position, 1),
      written,
      logicalOr(done, equal(written, end)),
      dynamicUpdateSlice(texts, expandDims(written, 1), place),
      ...caches,
    ];
  };
  const initial = [
    scalar(0, "int32"),
    full([examples], 0, "int32"),
    full([examples], false, "bool"),
    full([examples, length], pad, "int32"),
    ...writer.caches(examples, length),
  ];
  return repeatSteps(step, ([, , done]) => reduceOr(logicalNot(done)), initial, length)[3];
}

/** A writer that scores the first tokens alone. */
const withVocabulary = (writer: Writer, vocabulary = Infinity): Writer => ({
  ...writer,
  next(scope, step) {
    const made = writer.next(scope, step);
    const known = Math.min(vocabulary, made.scores.shape[1]);
    return { ...made, scores: sliceAxis(made.scores, 1, 0, known) };
  },
});
