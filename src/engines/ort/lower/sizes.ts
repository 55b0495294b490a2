/**
 * @file Sizes where an extent is open: it has a number while a program is lowered, and stands for any. What is chosen by
 * size must not depend on that number, so an open extent counts as larger than every fixed one.
 */

import { OcelliError } from "../../../errors.ts";

/** The error where something cannot be said for a batch of any size. */
export const openBatchError = (what: string): OcelliError =>
  new OcelliError(
    "unsupported",
    `the batch cannot be left open: ${what} depends on it in a way that is no multiple.`,
    { hint: "Export with a fixed batch." },
  );

/** A size, or several whose sum is meant. */
export type Size = number | readonly number[];

/** Compares sizes in which one extent may be open. */
export class Sizes {
  readonly #open: number | undefined;

  /** @param open the number of the open extent: a prime that divides no fixed extent */
  constructor(open?: number) {
    this.#open = open;
  }

  /** Whether a product of extents contains the open one. */
  isOpen(size: number): boolean {
    return this.#powerOf(size) > 0;
  }

  /** Whether a > b, however large the open extent is once it is large enough. */
  exceeds(a: Size, b: Size): boolean {
    const difference = this.#coefficients(a);
    this.#coefficients(b).forEach((times, power) => {
      difference[power] = (difference[power] ?? 0) - times;
    });
    return (difference.findLast((times) => times) ?? 0) > 0;
  }

  /** How often the open extent is a factor. */
  #powerOf(size: number): number {
    let power = 0;
    if (this.#open === undefined || size === 0) return power;
    for (let rest = size; rest % this.#open === 0; rest /= this.#open) power++;
    return power;
  }

  /** What stands before each power of the open extent. */
  #coefficients(size: Size): number[] {
    const terms = typeof size === "number" ? [size] : size;
    const coefficients: number[] = [];
    for (const term of terms) {
      const power = this.#powerOf(term);
      while (coefficients.length <= power) coefficients.push(0);
      coefficients[power] += power === 0 ? term : term / this.#open! ** power;
    }
    return coefficients;
  }
}
