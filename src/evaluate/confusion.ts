/** @file Confusion between classes, and how well each class is recognised. */

import { z } from "zod";
import { OcelliError, unknownName } from "../errors.ts";
import { argMax, toNumbers } from "../graph/index.ts";
import type { EvaluatedModel, Evaluator, Gathered } from "./evaluator.ts";
import { type NamedValues, classLabels } from "./features.ts";
import { type Matrix, zerosMatrix } from "./matrix.ts";

/** How well each class is recognised, in a configuration. */
export const perClassSchema = z.strictObject({
  type: z.literal("per-class"),
  /** The classes to report by name; all unless given. Their mean is of all in any case. */
  classes: z.array(z.string()).readonly().optional(),
});

/** Options of {@link perClassRecall}. */
export type PerClassOptions = Omit<z.infer<typeof perClassSchema>, "type">;

/**
 * The recall of every class that has examples, as `recall/NAME`, and their mean, `mean_class_recall`.
 *
 * @throws a configuration error for a class that the model does not know
 */
export function perClassRecall(
  { classes: shown }: PerClassOptions,
  { classes }: Pick<EvaluatedModel, "classes">,
): Evaluator {
  for (const name of shown ?? []) {
    if (!classes.includes(name)) throw unknownName("class", name, classes, "config");
  }
  return {
    measure: (evaluated) => ({
      rows: {
        label: classLabels("per-class", evaluated),
        predicted: argMax(evaluated.output, 1), // [batch]
      },
    }),
    summarise(gathered) {
      const [mean, ...each] = perClassValues(confusionOf(gathered, classes.length), classes);
      return [mean, ...each.filter(([name]) => shown?.includes(name.slice(RECALL.length)) ?? true)];
    },
  };
}

/** The confusion of what {@link perClassRecall} gathered. */
export const confusionOf = ({ rows: { label, predicted } }: Gathered, numClasses: number): Matrix =>
  confusion(toNumbers(label), toNumbers(predicted), numClasses);

/** How the name of a class's recall begins. */
const RECALL = "recall/";

/** How often each class (row) was taken for each class (column). */
export function confusion(
  labels: readonly number[],
  predictions: readonly number[],
  numClasses: number,
): Matrix {
  if (labels.length !== predictions.length) {
    throw new OcelliError(
      "shape",
      `${labels.length} labels have ${predictions.length} predictions.`,
    );
  }
  const counts = zerosMatrix(numClasses, numClasses);
  labels.forEach((label, i) => {
    for (const it of [label, predictions[i]]) {
      if (Number.isInteger(it) && it >= 0 && it < numClasses) continue;
      throw new OcelliError("data", `${it} is not one of ${numClasses} classes.`);
    }
    counts.data[label * numClasses + predictions[i]]++;
  });
  return counts;
}

/** How well one class is recognised; a part of nothing is NaN. */
export interface ClassQuality {
  /** Examples of the class. */
  readonly count: number;
  /** The part of them that was recognised. */
  readonly recall: number;
  /** The part of the examples taken for the class that belong to it. */
  readonly precision: number;
}

/** Recall and precision of every class. */
export function perClass({ rows, data }: Matrix): ClassQuality[] {
  return Array.from({ length: rows }, (_, k) => {
    let count = 0;
    let taken = 0;
    for (let other = 0; other < rows; other++) {
      count += data[k * rows + other];
      taken += data[other * rows + k];
    }
    const right = data[k * rows + k];
    return { count, recall: right / count, precision: right / taken };
  });
}

/** The recall of every class that has examples, as `recall/NAME`, and their mean, `mean_class_recall`. */
export function perClassValues(counts: Matrix, names: readonly string[]): NamedValues {
  const present = perClass(counts).flatMap(({ count, recall }, k) =>
    count > 0 ? [[names[k], recall] as const] : [],
  );
  if (present.length === 0) throw new OcelliError("data", "there are no examples.");
  const mean = present.reduce((sum, [, recall]) => sum + recall, 0) / present.length;
  return [
    ["mean_class_recall", mean],
    ...present.map(([name, recall]): [string, number] => [`${RECALL}${name}`, recall]),
  ];
}
