/** @file What a training says of its data before it begins, from what is in memory anyway: no picture is read for it. */

import { countClasses } from "./classification/class-counts.ts";
import { isLabel } from "../preprocess/example.ts";
import type { Source } from "./source.ts";

/** Classes that are named with their counts; of more, the least and the greatest. */
const NAMED = 6;

const show = (count: number): string => count.toLocaleString("en");

/** How many images there are, and of or with how many classes: of a card's names by field. */
export function describeSize({ length, fields }: Source, names: Source["names"]): string {
  const named = Object.entries(names).map(([field, { length: count }]) => {
    const kind = fields[field];
    if (field === "label" && isLabel(kind)) return ` of ${count} classes`;
    return kind === "map" ? ` with maps of ${count} classes` : ` with ${field} (${count} names)`;
  });
  return `${show(length)} images${named.join(",")}`;
}

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
  const order = [...counts.keys()].sort((a, b) => counts[a] - counts[b]);
  const [least, most] = [order[0], order.at(-1)!];
  const count = `classes ${names.length}`;
  if (counts[most] === counts[least]) return `${count} of ${show(counts[most])} images each`;
  const named = (k: number): string => `${show(counts[k])} (${names[k]})`;
  if (names.length <= NAMED) return `${count}: ${order.map(named).join(" · ")} images`;
  return `${count}: ${named(least)} to ${named(most)} images`;
}
