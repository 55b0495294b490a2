/** @file The order of examples in an epoch. */

import { seededRandom } from "../preprocess/random.ts";

/** A random order of 0 … length − 1 that depends on the seed and the epoch alone (Fisher & Yates). */
export function epochOrder(length: number, seed: number, epoch: number): Uint32Array {
  const random = seededRandom("order", seed, epoch);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.integer(0, i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
