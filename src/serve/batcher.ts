/** @file Requests that arrive together are computed together: while one batch runs, the next one gathers. */

import { TooBusy, TooLate } from "./refusals.ts";

/** How requests are gathered. */
export interface BatcherOptions {
  /** Items of a batch, at most. */
  readonly largest: number;
  /** Items that wait, at most. */
  readonly queue: number;
  /** Milliseconds after which an item that still waits is refused. */
  readonly patience: number;
  /** Hears how many items a batch had. */
  readonly onBatch?: (size: number) => void;
}

/** Gathers items to batches. */
export interface Batcher<Item, Result> {
  /** The result for one item. */
  run(item: Item): Promise<Result>;
  /** Items that wait. */
  readonly waiting: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly since: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A batcher over a function of several items. Nothing waits while nothing runs: a lone item is computed at once.
 *
 * @param compute results in the order of its items
 */
export function createBatcher<Item, Result>(
  compute: (items: readonly Item[]) => Promise<readonly Result[]>,
  { largest, queue, patience, onBatch }: BatcherOptions,
): Batcher<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let running = false;

  async function drain(): Promise<void> {
    running = true;
    // what arrives in this turn of the event loop belongs to the first batch
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const now = performance.now();
      const batch = waiting.splice(0, largest).filter((one) => {
        const isLate = now - one.since > patience;
        if (isLate) one.reject(new TooLate());
        return !isLate;
      });
      if (batch.length === 0) continue;
      onBatch?.(batch.length);
      try {
        const results = await compute(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, i) => resolve(results[i]));
      } catch (error) {
        batch.forEach(({ reject }) => reject(error));
      }
    }
    running = false;
  }

  return {
    run(item) {
      if (waiting.length >= queue) return Promise.reject(new TooBusy());
      const result = new Promise<Result>((resolve, reject) => {
        waiting.push({ item, since: performance.now(), resolve, reject });
      });
      if (!running) void drain();
      return result;
    },
    get waiting() {
      return waiting.length;
    },
  };
}
