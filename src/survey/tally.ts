/** @file How the values of a field are taken in, one after the other, and what is then known of them. */

import type { HostArray } from "../graph/index.ts";
import type { Example, FieldKind } from "../preprocess/example.ts";

/** What was found of one field in one split. */
export interface FieldFacts {
  readonly field: string;
  readonly kind: FieldKind;
  /** How often each value occurs, where they have names or are few. */
  readonly counts?: Readonly<Record<string, number>>;
  /** What else there is to know, such as lengths; a short phrase by name. */
  readonly facts: Readonly<Record<string, string | number>>;
}

/** Takes in one field of examples, and says what was found. */
export interface Tally {
  add(array: HostArray, example: Example): void;
  facts(): Pick<FieldFacts, "counts" | "facts">;
}

/** The least, the mean and the greatest of numbers as they come. */
export function extent() {
  let [count, sum, low, high] = [0, 0, Infinity, -Infinity];
  return {
    add(value: number): void {
      count++;
      sum += value;
      low = Math.min(low, value);
      high = Math.max(high, value);
    },
    show: (unit: string): string =>
      count === 0
        ? "none"
        : low === high
          ? `${low} ${unit}`
          : `${low} to ${high} ${unit}, ${Number((sum / count).toPrecision(3))} on average`,
  };
}
