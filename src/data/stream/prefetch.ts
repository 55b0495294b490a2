/** @file Items made ready ahead of their use. */

import { setImmediate } from "node:timers/promises";

/** How {@link prefetch} makes items ready. */
interface PrefetchOptions<T, U> {
  /** Makes an item ready, such as uploading a batch to the device. */
  readonly load: (item: T) => Promise<U>;
  /** Gives up an item that was made ready and is not wanted any more. */
  readonly release: (ready: U) => void;
  /** How many items to keep ready. Default: 1. */
  readonly depth?: number;
}

/**
 * The items of a stream, each loaded while its predecessor is in use. Work on the next item starts only after the
 * current one was handed out, so that a step is dispatched before the next batch is put together.
 */
export async function* prefetch<T, U>(
  items: AsyncIterator<T>,
  { load, release, depth = 1 }: PrefetchOptions<T, U>,
): AsyncGenerator<U, void> {
  const queue: Promise<{ ready: U } | undefined>[] = [];
  const start = (): void => {
    const item = setImmediate().then(async () => {
      const { done, value } = await items.next();
      return done ? undefined : { ready: await load(value) };
    });
    item.catch(() => undefined); // thrown where the item is awaited
    queue.push(item);
  };
  try {
    for (let i = 0; i < depth; i++) start();
    for (;;) {
      const item = await queue[0];
      void queue.shift();
      if (!item) return;
      start();
      yield item.ready;
    }
  } finally {
    for (const rest of await Promise.allSettled(queue)) {
      if (rest.status === "fulfilled" && rest.value) release(rest.value.ready);
    }
    await items.return?.();
  }
}
