/** @file The endless order in which training visits the examples of a source. */

import { seededRandom } from "../../random.ts";
import { blockOrder, epochOrder } from "./shuffle.ts";
import type { MixturePart, Source } from "../source.ts";

/** A place in a training order, to be kept as JSON. */
export interface Position {
  /** How often the order went through as many visits as the source has examples. */
  readonly epoch: number;
  /** How many visits followed since. */
  readonly index: number;
  /** In a mixture, the place in each part. */
  readonly parts?: readonly Position[];
  /** Where a step reads a second stream, the place in that one. */
  readonly beside?: Position;
}

/** A visit of an example. */
export interface Visit {
  /** The example's index in its source. */
  readonly index: number;
  /** How often the example was visited before; with the seed and the id it decides every random operation. */
  readonly epoch: number;
  /** Where the order goes on after this visit. */
  readonly next: Position;
}

/** What an order needs to know of a source. */
type Orderable = Pick<Source, "length" | "blocks" | "parts">;

/** Where every order begins. */
export const BEGINNING: Position = { epoch: 0, index: 0 };

/**
 * The visits of a training, without end. In every epoch of a source each example is visited once, in an order of its
 * own; a mixture draws a part for every visit, by weight, and goes on in that part's order. Started at a visit's
 * `next`, the order goes on as if it had never stopped. Holds four bytes an example.
 *
 * @example
 * const visits = trainingOrder(source, 0);
 * const { index, next } = visits.next().value;
 */
export function trainingOrder(
  source: Orderable,
  seed: number,
  start: Position = BEGINNING,
): Generator<Visit, never> {
  const { parts } = source;
  return parts ? mixtureOrder(source.length, parts, seed, start) : plainOrder(source, seed, start);
}

function* plainOrder(
  { length, blocks }: Orderable,
  seed: number,
  start: Position,
  part?: number,
): Generator<Visit, never> {
  const orderOf = (epoch: number) =>
    blocks ? blockOrder(length, blocks, seed, epoch, part) : epochOrder(length, seed, epoch, part);
  let { epoch, index } = start;
  let order = orderOf(epoch);
  for (;;) {
    if (index === length) {
      index = 0;
      order = orderOf(++epoch);
    }
    const example = order[index++];
    yield { index: example, epoch, next: { epoch, index } };
  }
}

function* mixtureOrder(
  length: number,
  parts: readonly MixturePart[],
  seed: number,
  start: Position,
): Generator<Visit, never> {
  const places = parts.map((_, i) => start.parts?.[i] ?? BEGINNING);
  const orders = parts.map(({ source }, i) => plainOrder(source, seed, places[i], i));
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const begins = parts.map((_, i) =>
    parts.slice(0, i).reduce((sum, { source }) => sum + source.length, 0),
  );
  let { epoch, index } = start;
  for (;;) {
    if (index === length) {
      index = 0;
      epoch++;
    }
    let rest = seededRandom("part", seed, epoch, index++).uniform() * total;
    let chosen = 0;
    while (chosen < parts.length - 1 && (rest -= parts[chosen].weight) >= 0) chosen++;
    const visit = orders[chosen].next().value;
    places[chosen] = visit.next;
    const next = { epoch, index, parts: [...places] };
    yield { index: begins[chosen] + visit.index, epoch: visit.epoch, next };
  }
}
