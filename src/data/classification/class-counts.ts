/** @file How many examples each class of a source has. */

import type { Source } from "../source.ts";

/** How many examples each class has; undefined where labels are not held, so that images would have to be read. */
export function countClasses({
  length,
  names: { label: classes },
  held,
}: Source): number[] | undefined {
  const label = held?.label;
  if (!label || !classes) return undefined;
  const counts = classes.map(() => 0);
  for (let index = 0; index < length; index++) {
    const { shape, data } = label(index);
    if (shape.length === 0) counts[Number(data[0])]++;
    else data.forEach((applies, k) => (counts[k] += Number(applies) > 0 ? 1 : 0));
  }
  return counts;
}
