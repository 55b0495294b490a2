/** @file How a classifier's last evaluation went, class by class and example by example: `predictions.json`. */

import { join } from "node:path";
import { isObject } from "../../read-config.ts";
import { readJson } from "../../read.ts";
import { isPicture } from "../picture.ts";

/** An example that the model was sure and wrong of. */
export interface Mistake {
  readonly id: string;
  /** The class, by place or by name. */
  readonly label: number | string;
  readonly predicted: number | string;
  readonly probability: number;
  /** A picture as a data URL. */
  readonly thumbnail: string;
}

/** How the last evaluation went, example by example. */
export interface Predictions {
  readonly classes: readonly string[];
  /** Counts: rows are true classes, columns predicted ones. */
  readonly confusion: readonly (readonly number[])[];
  readonly mistakes: readonly Mistake[];
}

/** The predictions of a run folder; undefined where they are absent or of another form. */
export async function readPredictions(folder: string): Promise<Predictions | undefined> {
  const value = await readJson(join(folder, "predictions.json"));
  const { classes, confusion, mistakes } = value;
  if (!Array.isArray(classes) || !Array.isArray(confusion)) return undefined;
  const square =
    confusion.length === classes.length &&
    confusion.every(
      (row) =>
        Array.isArray(row) &&
        row.length === classes.length &&
        row.every((count) => Number.isFinite(count)),
    );
  if (!square) return undefined;
  const pictured = Array.isArray(mistakes) ? mistakes.filter(isMistake) : [];
  return {
    classes: classes.map(String),
    confusion: confusion as number[][],
    mistakes: pictured,
  };
}

/** The mistakes of predictions, each with the names of its classes. */
export const namedMistakes = ({ classes, mistakes }: Predictions): NamedMistake[] => {
  const name = (label: Mistake["label"]) =>
    typeof label === "number" ? (classes[label] ?? String(label)) : label;
  return mistakes.map(({ label, predicted, ...rest }) => ({
    ...rest,
    label: name(label),
    predicted: name(predicted),
  }));
};

/** A mistake with the names of its classes. */
export interface NamedMistake extends Mistake {
  readonly label: string;
  readonly predicted: string;
}

const isMistake = (value: unknown): value is Mistake =>
  isObject(value) &&
  typeof value.id === "string" &&
  [value.label, value.predicted].every((it) => ["number", "string"].includes(typeof it)) &&
  typeof value.probability === "number" &&
  isPicture(value.thumbnail);
