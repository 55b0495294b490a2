/** @file Which examples a transfer learns from and which choose its settings. */

import { openSplit } from "../../data/splits.ts";
import { findSplit } from "../../data/split-names.ts";
import type { Dataset, Source } from "../../data/source.ts";
import { OcelliError } from "../../errors.ts";
import { pickExamples } from "../shots.ts";
import type { Labelled } from "./heads.ts";
import { hostArray } from "../../graph/index.ts";

/** The validation examples of a data set: as many of each class as there are shots; undefined where it has none. */
export async function validationOf(
  dataset: Dataset,
  { classes, held, shots, seed }: ValidationOptions,
): Promise<Source | undefined> {
  const split = findSplit(dataset.splits, "validation");
  if (split === undefined || split === held) return undefined;
  const source = await openSplit(dataset, split);
  if (source.length === 0 || String(source.classes) !== String(classes)) return undefined;
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

/** Examples divided class by class into four fifths and a fifth; undefined where a class has too few. */
export function divide(all: Labelled): { fit: Labelled; choose: Labelled } | undefined {
  const seen = new Map<number, number>();
  const fit: number[] = [];
  const choose: number[] = [];
  all.labels.forEach((label, row) => {
    const count = seen.get(label) ?? 0;
    seen.set(label, count + 1);
    (count % HELD_OUT === HELD_OUT - 1 ? choose : fit).push(row);
  });
  if (choose.length < 2 * seen.size) return undefined;
  return { fit: rowsOf(all, fit), choose: rowsOf(all, choose) };
}

function rowsOf({ features, labels }: Labelled, rows: readonly number[]): Labelled {
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
