/** @file Classification: a picture becomes names of classes with probabilities. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { featuresAt } from "../evaluate/features.ts";
import { argMax, reduceMax, toNumbers } from "../graph/index.ts";
import { CLASS_LOSSES } from "../losses/index.ts";
import { type ModelCard, createModel } from "../models/index.ts";
import type { Ranked } from "./answer.ts";
import { type Recorder, type Rows, defineTask } from "./task.ts";

/** Names of classes of one picture or of several that apply; see {@link CLASS_LOSSES} for probabilities. */
export const classificationTask = defineTask({
  name: "classification",
  schema: z.strictObject({}),
  needs: { image: ["image"], label: ["class", "classes"] },
  headline: { metric: "accuracy", better: "higher" },
  evaluators({ label }, { loss }) {
    const single = label === "class" ? ["per-class"] : [];
    const calibrated = label === "class" && loss !== "sigmoid" ? ["calibration"] : [];
    return ["classification", ...calibrated, ...single];
  },
  describe(_, { names: { label }, objective, dataName }) {
    if (label.length < 2) {
      throw new OcelliError("data", `${dataName} has only one class: ${label.join()}.`, {
        hint: "A classifier needs at least two.",
      });
    }
    return { task: { loss: objective.loss ?? "softmax" }, names: { label } };
  },
  create({ model: { name, ...options }, task, names: { label: classes } }) {
    const { probabilities } = lossOf(task);
    return {
      model: createModel(name, { ...options, numClasses: classes.length }),
      heads: { logits: ({ output }) => output, embed: ({ out }) => featuresAt(out) },
      main: "logits",
      respond: (logits) => ({ probabilities: probabilities(logits) }), // [batch, classes]
      answer: (row) => ({ kind: "ranked", ranked: rank(toNumbers(row.probabilities), classes) }),
      record: () => recordMistakes(classes, probabilities),
    };
  },
});

/** How logits become probabilities, by the loss that a model was trained with. */
export const lossOf = ({ loss }: ModelCard["task"]): (typeof CLASS_LOSSES)["softmax"] =>
  CLASS_LOSSES[loss === "sigmoid" ? "sigmoid" : "softmax"];

/** Classes with their probabilities, the surest first. */
export const rank = (probabilities: readonly number[], classes: readonly string[]): Ranked[] =>
  classes.map((name, k) => ({ name, score: probabilities[k] })).sort((a, b) => b.score - a.score);

/** How many mistakes are kept. */
const MISTAKES = 24;
/** With more classes a confusion matrix is not worth its size. */
const MAX_CLASSES = 1000;

/** A wrong answer; classes by index. */
interface Mistake {
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  readonly probability: number;
}

/** How often each class was taken for each, and the most confident mistakes; of examples with one label. */
export function recordMistakes(
  classes: readonly string[],
  probabilities: (typeof CLASS_LOSSES)["softmax"]["probabilities"] = CLASS_LOSSES.softmax
    .probabilities,
): Recorder {
  const { length } = classes;
  const confusion =
    length > MAX_CLASSES ? [] : Array.from({ length }, () => new Array<number>(length).fill(0));
  const mistakes: Mistake[] = [];
  let count = 0;
  return {
    file: "predictions",
    look(logits, { label }) {
      const sure = probabilities(logits); // [batch, classes]
      return { label, predicted: argMax(sure, 1), probability: reduceMax(sure, 1) };
    },
    see(indices, { label, predicted, probability }: Rows) {
      if (label.shape.length !== 1 || confusion.length === 0) return;
      for (const [row, index] of indices.entries()) {
        if (index < 0) continue;
        const mistake = {
          index,
          label: Number(label.data[row]),
          predicted: Number(predicted.data[row]),
          probability: Number(probability.data[row]),
        };
        count++;
        confusion[mistake.label][mistake.predicted]++;
        if (mistake.label !== mistake.predicted) mistakes.push(mistake);
      }
      mistakes.sort((a, b) => b.probability - a.probability || a.index - b.index);
      mistakes.length = Math.min(mistakes.length, MISTAKES);
    },
    async summary(show) {
      if (count === 0) return undefined;
      const pictured = mistakes.map(async ({ index, ...rest }) => {
        const { id, thumbnail } = await show.example(index);
        return { id, ...rest, thumbnail };
      });
      return { classes, confusion, mistakes: await Promise.all(pictured) };
    },
  };
}
