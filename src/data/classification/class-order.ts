/** @file Whether examples stand class by class, so that a slice by position would hold some of the classes alone. */

import type { Label } from "./labels.ts";

/**
 * Whether labels stand class by class, or nearly so: there are fewer runs of equal labels than halfway between one run
 * a class and what shuffling leads one to expect, 1 + n − Σ nₖ² / n.
 *
 * @example
 * standsByClass(["cat", "cat", "dog", "dog"]); // true
 * @see Wald & Wolfowitz 1940, "On a test whether two samples are from the same population" (the expected runs)
 */
export function standsByClass(labels: ArrayLike<Label>): boolean {
  const counts = new Map<Label, number>();
  let runs = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    counts.set(label, (counts.get(label) ?? 0) + 1);
    if (i === 0 || label !== labels[i - 1]) runs++;
  }
  const squares = [...counts.values()].reduce((sum, count) => sum + count ** 2, 0);
  const shuffled = 1 + labels.length - squares / labels.length;
  return runs < (counts.size + shuffled) / 2;
}
