/** @file How well a classifier recognises each class: a part of an evaluation's result. */

import {
  type ClassQuality,
  confusionOf,
  perClass,
} from "../../evaluate/classification/confusion.ts";
import type { Gathered } from "../../evaluate/evaluator.ts";

/** The evaluator whose values by class are shown as a table. */
export const PER_CLASS = "per-class";

/** What an evaluation of a classifier finds beside its values. */
export interface ClassResult {
  /** How well each class is recognised, of a classifier on single labels. */
  readonly classes?: ByClass;
}

/** How well each class is recognised. */
export interface ByClass {
  readonly names: readonly string[];
  /** By class: how many, recall, precision. */
  readonly quality: readonly ClassQuality[];
  /** How often each class (row) was taken for each class (column). */
  readonly confusion: readonly (readonly number[])[];
}

/** How well each class is recognised, and what it was taken for, where that was evaluated. */
export function classResult(
  gathered: Readonly<Record<string, Gathered>>,
  { label: names }: Readonly<Record<string, readonly string[]>>,
): ClassResult {
  if (!Object.hasOwn(gathered, PER_CLASS)) return {};
  const { length } = names;
  const counts = confusionOf(gathered[PER_CLASS], length);
  const confusion = names.map((_, k) => [...counts.data.slice(k * length, (k + 1) * length)]);
  return { classes: { names, quality: perClass(counts), confusion } };
}
