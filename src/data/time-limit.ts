/** @file Work that may take some time and no more, and work that is done one piece after the other. */

import { OcelliError } from "../errors.ts";

/** What work gives; an error where it takes longer than some seconds, though it may still go on. */
export async function within<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(lateness(seconds))), 1000 * seconds);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Why work was ended. */
const lateness = (seconds: number): string => `it takes longer than ${seconds} seconds`;

/**
 * The same as {@link createGate}, where no more than `most` pieces wait or are under way.
 *
 * @throws an argument error, when it is given one more
 */
export function createBoundedGate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const gate = createGate();
  let held = 0;
  return async (work) => {
    if (held >= most) {
      throw new OcelliError("argument", "too much is asked for at once; ask again soon.");
    }
    held++;
    try {
      return await gate(work);
    } finally {
      held--;
    }
  };
}

/** Runs what it is given one piece after the other. */
export function createGate(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
