/** @file Splits of each class by the rank of the examples' hashes: every split has its share of every class. */

import { seededRandom } from "../../random.ts";
import { findSplit, heldOutSplit } from "./split-names.ts";

type Shares = Readonly<Record<string, number>>;

/** Training first, then the split to judge by, then the others: who gets the examples that are left over. */
function byNeed(shares: Shares): string[] {
  const names = Object.keys(shares);
  const train = findSplit(names, "train") ?? names[0];
  return [...new Set([train, heldOutSplit(names) ?? names[names.length - 1], ...names])];
}

/**
 * How many of a class's examples each split gets: its share, rounded by the largest remainders. Training has one of
 * every class, and the split to judge by one of every class of two, whatever the shares.
 *
 * @example
 * allot(3, { train: 80, validation: 10, test: 10 }); // { train: 2, validation: 0, test: 1 }
 */
export function allot(count: number, shares: Shares): Record<string, number> {
  const order = byNeed(shares);
  const total = order.reduce((sum, name) => sum + shares[name], 0);
  const exact = (name: string): number => (count * shares[name]) / total;
  const counts = Object.fromEntries(order.map((name) => [name, Math.floor(exact(name))]));
  const left = count - order.reduce((sum, name) => sum + counts[name], 0);
  const rest = (name: string): number => exact(name) - Math.floor(exact(name));
  const nearest = order.toSorted((a, b) => rest(b) - rest(a)); // equal ones stay in the order of need
  for (const name of nearest.slice(0, left)) counts[name]++;
  for (const name of order.slice(0, Math.min(2, count))) {
    if (counts[name] > 0) continue;
    const most = order.reduce((a, b) => (counts[b] > counts[a] ? b : a));
    counts[most]--;
    counts[name]++;
  }
  return counts;
}

/**
 * The split of each example. Within each class examples are ranked by a hash of their ids; the smallest splits take the
 * first ranks, so that an added example moves as few others as it can: none, or one at each border that it shifts.
 *
 * @param ids of all examples
 * @param classOf the class of each; all are of one class where undefined
 */
export function splitByRank(
  ids: readonly string[],
  classOf: ((index: number) => string | number) | undefined,
  shares: Shares,
): string[] {
  const keys = ids.map((id) => seededRandom("split", id).bits());
  const split = new Array<string>(ids.length);
  const fromSmallest = byNeed(shares)
    .toReversed()
    .sort((a, b) => shares[a] - shares[b]);
  for (const members of Map.groupBy(ids.keys(), (index) => classOf?.(index)).values()) {
    members.sort((a, b) => keys[a] - keys[b] || (ids[a] < ids[b] ? -1 : 1));
    const counts = allot(members.length, shares);
    let rank = 0;
    for (const name of fromSmallest) {
      for (let i = 0; i < counts[name]; i++) split[members[rank++]] = name;
    }
  }
  return split;
}
