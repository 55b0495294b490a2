/** @file Linear probes: a classifier of frozen features, with its penalty and its temperature chosen on examples that it did not see. */

import type { Engine } from "../../engines/engine.ts";
import { chooseBest } from "./choose.ts";
import { type Head, type Labelled } from "./labelled.ts";
import { L2_DEFAULT, L2_SWEEP, type Tried, fitFewShot, fitSoftmax } from "./heads.ts";
import { joined, qualityOfScores, scoresOf } from "./quality.ts";
import { divide, foldsOf, isFew } from "./select.ts";
import { cooled, findTemperature } from "./temperature.ts";

/** A head and how it was found. */
export interface Found {
  readonly head: Head;
  readonly tried: readonly Tried[];
  readonly steps: number;
  readonly l2?: number;
  /** What the scores were divided by, where that was chosen. */
  readonly temperature?: number;
  /** Of the training examples, without the penalty and before the temperature. */
  readonly trainLoss?: number;
  /** On what penalty and temperature were chosen, in a line. */
  readonly chosenBy?: string;
}

/** With so many examples to choose by, the penalty of least loss needs no temperature. */
const MANY = 1000;

/**
 * Softmax regression with the strength of its penalty chosen on other examples than it learned from: by loss, among
 * those within a standard error of the best accuracy. Where they are few, a temperature is fitted on them too.
 *
 * @param validation examples that choose; a fifth of `known` where there are none. Where a class of `known` has fewer
 *   than ten examples, these choose too, by cross-validation
 */
export async function findLinear(
  engine: Engine,
  known: Labelled,
  validation: Labelled | undefined,
  classes: number,
): Promise<Found> {
  const fits = async (part: Labelled) => fitSoftmax(engine, part, classes, L2_SWEEP);
  const whole = validation && (await fits(known));
  const folds = validation && !isFew(known) ? [] : foldsOf(known);
  const parts = [...(whole ? [{ fitted: whole, judge: validation }] : [])];
  for (const held of folds) {
    const { fit, judge } = divide(known, held);
    parts.push({ fitted: await fits(fit), judge });
  }
  if (parts.length === 0) {
    const [only] = await fitSoftmax(engine, known, classes, [L2_DEFAULT]);
    return { ...only, tried: [], chosenBy: "nothing: no class has two images" };
  }
  const scored = L2_SWEEP.map((_, i) =>
    joined(parts.map(({ fitted, judge }) => scoresOf(judge, fitted[i].head))),
  );
  const tried = L2_SWEEP.map((l2, i): Tried => {
    const { accuracy, loss } = qualityOfScores(scored[i]);
    const steps = parts.reduce((sum, { fitted }) => sum + fitted[i].steps, 0);
    return { l2, steps, trainLoss: parts[0].fitted[i].trainLoss, accuracy, loss };
  });
  const chooser = scored[0].labels.length;
  const best = chooseBest(tried, chooser);
  const [final] =
    whole?.slice(best) ?? (await fitSoftmax(engine, known, classes, [L2_SWEEP[best]]));
  const temperature = chooser < MANY ? findTemperature(scored[best]) : undefined;
  const steps = tried.reduce((sum, fit) => sum + fit.steps, whole ? 0 : final.steps);
  return {
    head: temperature === undefined ? final.head : cooled(final.head, temperature),
    ...{ tried, steps, l2: final.l2, trainLoss: final.trainLoss, temperature },
    chosenBy: describe(validation, folds),
  };
}

/** The few-shot evaluation's ridge probe; its scores, of −1 and 1, get a temperature that makes them probabilities. */
export function findFewShot(known: Labelled, classes: number): Found {
  const folds = foldsOf(known);
  const head = fitFewShot(known, classes);
  if (folds.length === 0) return { head, tried: [], steps: 0 };
  const scored = folds.map((held) => {
    const { fit, judge } = divide(known, held);
    return scoresOf(judge, fitFewShot(fit, classes));
  });
  const temperature = findTemperature(joined(scored));
  return {
    head: cooled(head, temperature),
    ...{ tried: [], steps: 0, temperature, chosenBy: describe(undefined, folds) },
  };
}

/** What chose, in words. */
function describe(validation: Labelled | undefined, folds: readonly (readonly number[])[]): string {
  const count = folds.reduce((sum, { length }) => sum + length, 0);
  const crossed = `cross-validation of ${count} images in ${folds.length} parts`;
  const given = validation && `${validation.labels.length} validation images`;
  if (folds.length === 0) return given!;
  const own = folds.length === 1 ? `${count} images held out` : crossed;
  return given === undefined ? own : `${given} and ${own}`;
}
