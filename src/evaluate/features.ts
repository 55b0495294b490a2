/** @file Features with labels, which probes learn from and are tested on, and named values. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { toNumbers } from "../graph/index.ts";
import { type Matrix, matrixOf } from "./matrix.ts";

/** What evaluators give: values by name, in order. */
export type NamedValues = [name: string, value: number][];

/** Features [examples, dim] with the class of each example. */
export interface LabelledFeatures {
  readonly features: HostArray;
  /** Integers of [examples]. */
  readonly labels: HostArray;
}

/** The same as numbers. */
export interface LabelledRows {
  readonly x: Matrix;
  readonly classes: readonly number[];
}

/** Features and labels as numbers; an error where they do not belong together. */
export function labelledRows({ features, labels }: LabelledFeatures, numClasses: number) {
  const x = matrixOf(features);
  const classes = toNumbers(labels);
  if (classes.length !== x.rows) {
    throw new OcelliError("shape", `${x.rows} rows of features have ${classes.length} labels.`);
  }
  const wrong = classes.find(
    (label) => !(Number.isInteger(label) && label >= 0 && label < numClasses),
  );
  if (wrong === undefined) return { x, classes };
  throw new OcelliError("data", `label ${wrong} is not one of ${numClasses} classes.`);
}

/** The part of predictions that are right. */
export function accuracyOf(predictions: readonly number[], classes: readonly number[]): number {
  return predictions.filter((prediction, i) => prediction === classes[i]).length / classes.length;
}
