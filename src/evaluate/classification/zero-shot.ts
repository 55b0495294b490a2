/** @file Zero-shot classification: classes are known by the embeddings of their prompts. */

import { OcelliError } from "../../errors.ts";
import type { NamedValues } from "../evaluator.ts";
import { type LabelledFeatures, accuracyOf, labelledRows } from "./labelled.ts";
import { predictionsOf } from "./few-shot.ts";
import { type Matrix, dot, rowOf, timesTransposed, zerosMatrix } from "../matrix.ts";

/**
 * The mean of the embeddings of each class's prompts, [classes, dim], scaled to length 1 unless told otherwise.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/proj/image_text/discriminative_classifier.py`)
 */
export function classEmbeddings(
  prompts: LabelledFeatures,
  numClasses: number,
  { normalise = true }: { readonly normalise?: boolean } = {},
): Matrix {
  const { x, classes } = labelledRows(prompts, numClasses);
  const means = zerosMatrix(numClasses, x.columns);
  for (let label = 0; label < numClasses; label++) {
    const members = classes.flatMap((it, i) => (it === label ? [i] : []));
    if (members.length === 0) throw new OcelliError("data", `class ${label} has no prompt.`);
    const mean = rowOf(means, label);
    for (const i of members) rowOf(x, i).forEach((value, j) => (mean[j] += value / members.length));
    if (!normalise) continue;
    const norm = 1e-8 + Math.sqrt(dot(mean, mean));
    for (let j = 0; j < mean.length; j++) mean[j] /= norm;
  }
  return means;
}

/** The accuracy of taking the class whose embedding has the largest dot product with the image's. */
export function zeroShot(images: LabelledFeatures, embeddings: Matrix): NamedValues {
  const { x, classes } = labelledRows(images, embeddings.rows);
  if (x.rows === 0) throw new OcelliError("data", "there are no images.");
  const predictions = predictionsOf(timesTransposed(x, embeddings));
  return [["accuracy", accuracyOf(predictions, classes)]];
}
