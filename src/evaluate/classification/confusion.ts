/** @file Confusion between classes, and how well each class is recognised. */

import { z } from "zod";
import { OcelliError, unknownName } from "../../errors.ts";
import { argMax, toNumbers } from "../../graph/index.ts";
import { defineEvaluator } from "../define.ts";
import type { Gathered, NamedValues } from "../evaluator.ts";
import { classLabels } from "./labelled.ts";
import { type Matrix, zerosMatrix } from "../matrix.ts";

const perClassSchema = z.strictObject({
  /** The classes to report by name. Their mean is of all in any case. Default: all. */
  classes: z.array(z.string()).readonly().optional(),
});

/**
 * The recall of every class that has examples, as `recall/NAME`, and their mean, `mean_class_recall`. A configuration
 * error names a class that the model does not have.
 */
export const perClassRecall = defineEvaluator({
  name: "per-class",
  schema: perClassSchema,
  create({ classes: shown }, { names: { label: classes } }) {
    for (const name of shown ?? []) {
      if (!classes.includes(name)) throw unknownName("class", name, classes, "config");
    }
    return {
      head: "logits",
      measure: (evaluated) => ({
        rows: {
          label: classLabels("per-class", evaluated),
          predicted: argMax(evaluated.output, 1), // [batch]
        },
      }),
      summarise({ judged }) {
        const [mean, ...each] = perClassValues(confusionOf(judged, classes.length), classes);
        const isShown = (name: string) => shown?.includes(name.slice(RECALL.length)) ?? true;
        return [mean, ...each.filter(([name]) => isShown(name))];
      },
    };
  },
});

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
