/** @file What a training says of its data before it begins, from what is in memory anyway: no picture is read for it. */

import { countClasses } from "./class-counts.ts";
import type { Source } from "./source.ts";

/** Classes that are named with their counts; of more, the least and the greatest. */
const NAMED = 6;

const show = (count: number): string => count.toLocaleString("en");

/**
 * The sizes of splits, and how many images the classes of the first one have; a line each.
 *
 * @param splits by what the configuration calls them, the one to learn from first
 */
export function shortForm(splits: ReadonlyMap<string, Source>): string[] {
  const sizes = [...splits].map(([name, { length }]) => `${name} ${show(length)}`);
  const [learned] = splits.values();
  const counts = learned && countClasses(learned);
  return [
    ...(sizes.length > 1 ? [`splits ${sizes.join(" · ")}`] : []),
    ...(counts && counts.length > 0 ? [describeCounts(learned.names.label, counts)] : []),
  ];
}

function describeCounts(names: readonly string[], counts: readonly number[]): string {
  const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a]);
  const named = (k: number): string => `${names[k]} ${show(counts[k])}`;
  const [most, least] = [order[0], order.at(-1)!];
  if (counts[most] === counts[least])
    return `classes ${names.length} of ${show(counts[most])} each`;
  if (names.length <= NAMED) return `classes ${order.map(named).join(" · ")}`;
  const ratio = counts[least] > 0 ? `, ${(counts[most] / counts[least]).toFixed(1)} : 1` : "";
  return `classes ${named(most)} to ${named(least)}${ratio}`;
}
