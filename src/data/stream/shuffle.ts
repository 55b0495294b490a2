/** @file The order of examples in an epoch. */

import { type Random, seededRandom } from "../../random.ts";
import type { Blocks } from "../source.ts";

/**
 * A random order of 0 … length − 1 that depends on the seed, the epoch and, in a mixture, the part alone
 * (Fisher & Yates).
 */
export function epochOrder(
  length: number,
  seed: number,
  epoch: number,
  part?: number,
): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  shuffle(order, orderRandom(seed, epoch, part), 0, length);
  return order;
}

/**
 * A random order that stays within a few blocks for a while: the blocks in random order, and the examples of every
 * `atOnce` blocks mixed.
 */
export function blockOrder(
  length: number,
  blocks: Blocks,
  seed: number,
  epoch: number,
  part?: number,
): Uint32Array {
  const random = orderRandom(seed, epoch, part);
  const starts: number[] = [];
  for (let i = 0; i < length; i++) {
    if (i === 0 || blocks.of(i) !== blocks.of(i - 1)) starts.push(i);
  }
  const turns = Uint32Array.from(starts, (_, block) => block);
  shuffle(turns, random, 0, turns.length);
  const order = new Uint32Array(length);
  let at = 0;
  for (let turn = 0; turn < turns.length; turn += blocks.atOnce) {
    const from = at;
    for (const block of turns.subarray(turn, turn + blocks.atOnce)) {
      const end = starts[block + 1] ?? length;
      for (let i = starts[block]; i < end; i++) order[at++] = i;
    }
    shuffle(order, random, from, at);
  }
  return order;
}

const orderRandom = (seed: number, epoch: number, part: number | undefined): Random =>
  seededRandom("order", seed, epoch, ...(part === undefined ? [] : [part]));

/** Mixes the items from `begin` up to `end` in place. */
function shuffle(items: Uint32Array, random: Random, begin: number, end: number): void {
  for (let i = end - 1; i > begin; i--) {
    const j = begin + random.integer(0, i - begin + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
}
