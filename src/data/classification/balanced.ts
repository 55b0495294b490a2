/** @file Balanced classes: sampling that visits every class equally often, and weights that let each count the same. */

import { OcelliError } from "../../errors.ts";
import { type Source, selectSource } from "../source.ts";

/**
 * A source whose training order draws every class equally often, whatever its number of examples: those of a small class
 * come again sooner. Examples stand class by class; their ids stay.
 *
 * @param labels the class of every example
 */
export function balancedSource(source: Source, labels: readonly number[]): Source {
  const rows = rowsOfClasses(labels);
  const order = rows.flat();
  return {
    length: source.length,
    fields: source.fields,
    names: source.names,
    id: (index) => source.id(order[index]),
    read: (index) => source.read(order[index]),
    parts: rows.map((some) => ({
      source: selectSource(source, Uint32Array.from(some)),
      weight: 1,
    })),
  };
}

/**
 * The weight of each class in a loss: the mean number of examples by that of the class, so that every class counts the
 * same and the mean over all examples is 1.
 */
export function balancedWeights(labels: readonly number[], classes: readonly string[]): number[] {
  const counts = classes.map(() => 0);
  for (const label of labels) counts[label]++;
  const missing = counts.indexOf(0);
  if (missing >= 0) {
    throw new OcelliError("data", `the class "${classes[missing]}" has no training image.`, {
      hint: "Weights by class need one of each; leave balance out.",
    });
  }
  return counts.map((count) => labels.length / (classes.length * count));
}

const rowsOfClasses = (labels: readonly number[]): number[][] =>
  [...Map.groupBy(labels.keys(), (row) => labels[row])]
    .sort(([a], [b]) => a - b)
    .map(([, rows]) => rows);
