/** @file Features with labels, which probes learn from and are tested on. */

import { OcelliError } from "../../errors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { convert, isInteger, toNumbers } from "../../graph/index.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Evaluated, EvaluatedModel, Gathered } from "../evaluator.ts";
import { featuresAt } from "../features.ts";
import { type Matrix, matrixOf } from "../matrix.ts";

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

/** How many classes the labels have; `type` is the evaluator that needs them. */
export function countClasses(type: string, { names }: Pick<EvaluatedModel, "names">): number {
  if (Object.hasOwn(names, "label")) return names.label.length;
  throw new OcelliError("config", `${type} needs labelled examples; these have no labels.`, {
    hint: "Name labelled data as evals.NAME.data.",
  });
}

/** The class of each example, int32 [batch]; `name` is the evaluator that needs it. */
export function classLabels(name: string, { batch }: Evaluated): Tensor {
  const { label } = batch as { readonly label?: Tensor };
  if (label && isInteger(label.dtype) && label.rank === 1) return label;
  throw new OcelliError("config", `${name} needs data with one class an image.`);
}

/** Features and labels of a batch, which laid one batch under the other are {@link LabelledFeatures}. */
export const featureRows = (name: string, evaluated: Evaluated, layer?: string) => ({
  features: convert(
    layer === undefined ? evaluated.output : featuresAt(evaluated.out, layer),
    "float32",
  ), // [batch, dim]
  labels: classLabels(name, evaluated), // [batch]
});

/** What {@link featureRows} gathered. */
export const labelledOf = ({ rows: { features, labels } }: Gathered): LabelledFeatures => ({
  features,
  labels,
});

/** The part of predictions that are right. */
export function accuracyOf(predictions: readonly number[], classes: readonly number[]): number {
  return predictions.filter((prediction, i) => prediction === classes[i]).length / classes.length;
}
