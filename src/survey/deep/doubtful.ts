/**
 * @file Labels that are likely wrong, by confident learning: a classifier that did not see a picture is surer of another class
 * than it is on average of pictures that bear that class's label. Where it is nearly certain of all of these, 80 % is enough.
 *
 * @see Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", section 3.1
 */

import type { Engine } from "../../engines/engine.ts";
import { L2_DEFAULT, fitSoftmax } from "../../transfer/classification/heads.ts";
import type { Labelled } from "../../transfer/classification/labelled.ts";
import { scoresOf } from "../../transfer/classification/quality.ts";
import { divide } from "../../transfer/classification/select.ts";

/** A label that is likely wrong. */
export interface Doubt {
  /** The example's place among those given. */
  readonly row: number;
  /** The class that it more likely is. */
  readonly suggested: number;
  /** The probability of that class, and of the label. */
  readonly probability: number;
  readonly own: number;
}

/** What {@link doubtfulLabels} found. */
export interface Doubts {
  /** Most doubtful first: by how much the suggested class is more probable than the label. */
  readonly doubts: readonly Doubt[];
  /** The share of labels that the classifier agrees with, from 0 to 1. */
  readonly agreement: number;
  /** How many labels were judged. */
  readonly judged: number;
}

/** Parts of the examples; each is judged by a classifier of the others. */
const FOLDS = 5;
/** A probability that is enough, however sure the classifier is of the pictures of that class. */
const SURE = 0.8;

/** Judges each label by softmax regression on the other folds; classes of one example are not judged. */
export async function doubtfulLabels(
  engine: Engine,
  examples: Labelled,
  classes: number,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<Doubts> {
  const probabilities = new Map<number, Float64Array>();
  for (const held of foldsOf(examples.labels)) {
    const { fit, judge } = divide(examples, held);
    const [{ head }] = await fitSoftmax(engine, fit, classes, [L2_DEFAULT]);
    const { logits } = scoresOf(judge, head);
    held.forEach((row, i) => probabilities.set(row, softmax(logits[i])));
    await pause();
  }
  return judge(probabilities, examples.labels, classes);
}

/** The rule itself, of out-of-sample probabilities by row. */
export function judge(
  probabilities: ReadonlyMap<number, Float64Array>,
  labels: readonly number[],
  classes: number,
): Doubts {
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  for (const [row, of] of probabilities) {
    sums[labels[row]] += of[labels[row]];
    counts[labels[row]]++;
  }
  const thresholds = sums.map((sum, k) =>
    counts[k] > 0 ? Math.min(SURE, sum / counts[k]) : Infinity,
  );
  const doubts: Doubt[] = [];
  let agreed = 0;
  for (const [row, of] of probabilities) {
    const label = labels[row];
    if (of.indexOf(of.reduce((a, b) => Math.max(a, b))) === label) agreed++;
    const sure = [...of.keys()].filter((k) => of[k] >= thresholds[k]);
    if (sure.length === 0) continue;
    const suggested = sure.reduce((best, k) => (of[k] > of[best] ? k : best));
    if (suggested === label) continue;
    doubts.push({ row, suggested, probability: of[suggested], own: of[label] });
  }
  const margin = ({ probability, own }: Doubt): number => probability - own;
  doubts.sort((a, b) => margin(b) - margin(a) || a.row - b.row);
  const judged = probabilities.size;
  return { doubts, agreement: judged > 0 ? agreed / judged : 0, judged };
}

/** Rows by fold, each class spread evenly; a class of one row is in none, so that every fold knows all other classes. */
function foldsOf(labels: readonly number[]): number[][] {
  const folds = Array.from({ length: FOLDS }, (): number[] => []);
  for (const rows of Map.groupBy(labels.keys(), (row) => labels[row]).values()) {
    if (rows.length > 1) rows.forEach((row, rank) => folds[rank % FOLDS].push(row));
  }
  return folds.filter((rows) => rows.length > 0);
}

function softmax(logits: Float64Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const weights = logits.map((logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}
