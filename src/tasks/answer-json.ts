/** @file Answers as JSON, as `ocelli predict --json` prints them and a server gives them. */

import type { HostArray } from "../graph/dtype.ts";
import { type Answer, areasOf } from "./answer.ts";

/** An answer as JSON: arrays as lists, of maps how much each name covers. */
export type ShownAnswer = { readonly kind?: Answer["kind"] } & Readonly<Record<string, unknown>>;

/** An answer as JSON, with the `topK` surest names alone. */
export const answerJson = (answer: Answer, topK: number): ShownAnswer =>
  answer.kind === "map"
    ? { kind: answer.kind, areas: areasOf(answer) }
    : Object.fromEntries(
        Object.entries(limitAnswer(answer, topK)).map(([key, value]) => [key, listed(value)]),
      );

/** An answer with the surest names alone. */
export const limitAnswer = (answer: Answer, topK: number): Answer =>
  "ranked" in answer ? { ...answer, ranked: answer.ranked.slice(0, topK) } : answer;

/** An array as its shape and a list of its numbers, of one axis as the list; anything else as it is. */
function listed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("dtype" in value)) return value;
  const { shape, data } = value as HostArray;
  return shape.length === 1 ? [...data] : { shape, data: [...data] };
}
