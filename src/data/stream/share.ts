/** @file One process's share of every batch, where several processes train together. */

import type { Visit } from "./order.ts";

/** Rows of a batch that a process reads. */
export interface Share {
  /** The first of them. */
  readonly first: number;
  readonly count: number;
}

/**
 * Of an endless order that is cut into batches, the visits of one share. The shares of all processes make up the batch
 * of a single one; the last visit of each batch says where the order goes on after the whole batch.
 */
export function* sharedVisits(
  visits: Iterator<Visit, never>,
  batchSize: number,
  { first, count }: Share,
): Generator<Visit, never> {
  for (;;) {
    const batch = Array.from({ length: batchSize }, () => visits.next().value);
    const { next } = batch.at(-1)!;
    const own = batch.slice(first, first + count);
    yield* own.slice(0, -1);
    yield { ...own.at(-1)!, next };
  }
}
