/** @file Which examples a transfer learns from and which choose its settings. */

import { findSplit } from "../../data/splits/split-names.ts";
import type { Dataset, Source } from "../../data/source.ts";
import { OcelliError } from "../../errors.ts";
import { pickExamples } from "../../served/classification/shots.ts";
import type { Labelled } from "./labelled.ts";
import { hostArray } from "../../graph/index.ts";

/** The validation examples of a data set: as many of each class as there are shots; undefined where it has none. */
export async function validationOf(
  dataset: Dataset,
  { classes, held, shots, seed }: ValidationOptions,
): Promise<Source | undefined> {
  const split = findSplit(dataset.splits, "validation");
  if (split === undefined || split === held) return undefined;
  const source = await dataset.open(split); // it may be empty
  if (source.length === 0 || String(source.names.label) !== String(classes)) return undefined;
  return pickExamples(source, shots, seed);
}

/** Options of {@link validationOf}. */
interface ValidationOptions {
  readonly classes: readonly string[];
  /** The split that the result is judged on, which must not choose anything. */
  readonly held: string;
  readonly shots: number | undefined;
  readonly seed: number;
}

/** One example of so many is held out to choose by, where the data has no validation split. */
const HELD_OUT = 5;
/** A class with fewer examples is too small for a part of it to choose anything: all of them do, in turn. */
export const FEW = 10;

/** How many examples the smallest class has, of those that have any. */
function smallestClass(labels: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.min(...counts.values());
}

/** Whether a class has too few examples for one part of them to choose settings for the rest. */
export const isFew = ({ labels }: Pick<Labelled, "labels">): boolean => smallestClass(labels) < FEW;

/**
 * The rows to hold out together, class by class: a fifth of each class where all have ten, else as many parts as the
 * largest class has examples, five at most, that hold every row once. A class of one example is never held out; where
 * no class has two, there is no part.
 */
export function foldsOf({ labels }: Pick<Labelled, "labels">): number[][] {
  const rows = Map.groupBy(labels.keys(), (row) => labels[row]);
  const largest = Math.max(...[...rows.values()].map(({ length }) => length));
  const folds = Array.from({ length: Math.min(HELD_OUT, largest) }, (): number[] => []);
  for (const members of rows.values()) {
    if (members.length < 2) continue;
    members.forEach((row, rank) => folds[folds.length - 1 - (rank % folds.length)].push(row));
  }
  const held = folds.filter(({ length }) => length > 0);
  return isFew({ labels }) ? held : held.slice(0, 1);
}

/** Examples without the rows of a fold, and the fold. */
export function divide(all: Labelled, held: readonly number[]): { fit: Labelled; judge: Labelled } {
  const out = new Set(held);
  const kept = [...all.labels.keys()].filter((row) => !out.has(row));
  return { fit: rowsOf(all, kept), judge: rowsOf(all, held) };
}

/** Some rows of examples. */
export function rowsOf({ features, labels }: Labelled, rows: readonly number[]): Labelled {
  const width = features.shape[1];
  const data = new Float32Array(rows.length * width);
  const all = features.data as Float32Array;
  rows.forEach((row, i) => data.set(all.subarray(row * width, (row + 1) * width), i * width));
  return {
    features: hostArray([rows.length, width], "float32", data),
    labels: rows.map((row) => labels[row]),
  };
}

/** An error where a class has no example to learn from. */
export function checkClasses({ labels }: Labelled, classes: readonly string[]): void {
  const known = new Set(labels);
  const missing = classes.filter((_, k) => !known.has(k));
  if (missing.length === 0) return;
  const named = missing.slice(0, 5).join(", ");
  throw new OcelliError("data", `there is no readable training image of ${named}.`, {
    given: missing,
  });
}
