/** @file Zero-shot classification: classes are known by the embeddings of their prompts. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { fromNumbers, toNumbers } from "../../graph/index.ts";
import { defineEvaluator } from "../define.ts";
import { JUDGED, type Measured, type NamedValues } from "../evaluator.ts";
import { predictionsOf } from "./few-shot.ts";
import { type LabelledFeatures, countClasses, labelledRows } from "./labelled.ts";
import { type Matrix, dot, matrixOf, rowOf, timesTransposed, zerosMatrix } from "../matrix.ts";
import { PROMPT_TEMPLATES, type PromptTemplates, classPrompts, templatesOf } from "./prompts.ts";

const zeroShotSchema = z.strictObject({
  /**
   * A set of prompts by name, or prompts with one `{}` each for a class's name. Default: "class_name_only".
   *
   * @example ["a photo of a {}", "a drawing of a {}"]
   */
  templates: z
    .union([
      z.enum(Object.keys(PROMPT_TEMPLATES) as [keyof typeof PROMPT_TEMPLATES]),
      z.array(z.string()).min(1),
    ])
    .optional(),
  /** Names of the classes in the order of the data's, in place of those. Default: the data's. */
  classNames: z.array(z.string()).min(1).optional(),
  /** Whether every name between the commas of a class makes prompts, not the first alone. Default: false. */
  aliases: z.boolean().optional(),
  /** Whether names and prompts lose punctuation and capitals. Default: true. */
  canonical: z.boolean().optional(),
});

/** Accuracy of a model of images and texts on labelled images, whose classes it knows by their names alone. */
export const zeroShotByNames = defineEvaluator({
  name: "zeroshot",
  schema: zeroShotSchema,
  create({ templates, classNames, ...options }, model) {
    const numClasses = countClasses("zeroshot", model);
    const names = classNames ?? model.names.label;
    if (names.length !== numClasses) {
      throw new OcelliError(
        "config",
        `zeroshot: there are ${names.length} classNames for ${numClasses} classes.`,
        { given: names.length },
      );
    }
    const chosen = templatesOf(templates as PromptTemplates | undefined);
    const prompts = classPrompts(names, { templates: chosen, ...options });
    return {
      head: "embed",
      streams: { prompts: { texts: prompts.texts } },
      measure({ output, out: { ztxt }, batch: { label } }, stream): Measured {
        if (stream === JUDGED) {
          if (label) return { rows: { features: output, labels: label } };
          throw new OcelliError("config", "zeroshot needs labelled images.");
        }
        if (ztxt) return { rows: { features: ztxt } };
        throw new OcelliError("config", "zeroshot needs a model of images and texts.", {
          hint: "Train one with the objective contrastive.",
        });
      },
      summarise({ [JUDGED]: judged, prompts: { rows, indices } }) {
        const classOf = indices.map((index) => prompts.labels[index]);
        const labels = fromNumbers(classOf, [classOf.length], "int32");
        const embeddings = classEmbeddings({ features: rows.features, labels }, numClasses);
        return zeroShot(judged.rows as unknown as LabelledFeatures, embeddings);
      },
    };
  },
});

/**
 * The mean of the embeddings of each class's prompts, [classes, dim], scaled to length 1 by default.
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
  const counts = new Uint32Array(numClasses);
  for (const label of classes) counts[label]++;
  const without = counts.indexOf(0);
  if (without >= 0) throw new OcelliError("data", `class ${without} has no prompt.`);
  classes.forEach((label, i) => {
    const mean = rowOf(means, label);
    rowOf(x, i).forEach((value, j) => (mean[j] += value / counts[label]));
  });
  if (!normalise) return means;
  for (let label = 0; label < numClasses; label++) {
    const mean = rowOf(means, label);
    const norm = 1e-8 + Math.sqrt(dot(mean, mean));
    for (let j = 0; j < mean.length; j++) mean[j] /= norm;
  }
  return means;
}

/**
 * The accuracy of taking the class whose embedding has the largest dot product with the image's. Labels are a class each,
 * [images], or those that apply, [images, classes]; of these any counts, and images without one are left out.
 */
export function zeroShot(images: LabelledFeatures, embeddings: Matrix): NamedValues {
  const x = matrixOf(images.features);
  const right = rightClasses(images.labels, embeddings.rows);
  const predictions = predictionsOf(timesTransposed(x, embeddings));
  const counted = predictions.filter((_, i) => right[i].length > 0).length;
  if (counted === 0) throw new OcelliError("data", "there are no images.");
  const correct = predictions.filter((prediction, i) => right[i].includes(prediction)).length;
  return [["accuracy", correct / counted]];
}

/** The classes that each image's label says. */
function rightClasses(labels: HostArray, numClasses: number): (readonly number[])[] {
  const numbers = toNumbers(labels);
  if (labels.shape.length === 1) {
    const wrong = numbers.find((label) => !(label >= 0 && label < numClasses));
    if (wrong === undefined) return numbers.map((label) => [label]);
    throw new OcelliError("data", `label ${wrong} is not one of ${numClasses} classes.`);
  }
  const [rows, columns] = labels.shape;
  if (columns !== numClasses) {
    throw new OcelliError("shape", `labels are of ${columns} classes, not of ${numClasses}.`);
  }
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, k) => k).filter((k) => numbers[i * columns + k] > 0),
  );
}
