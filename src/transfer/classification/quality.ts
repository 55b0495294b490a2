/** @file How good a head is: its scores on the host, and what they say of accuracy, loss and confidence. */

import { calibrationError } from "../../evaluate/index.ts";
import type { Head, Labelled } from "./labelled.ts";

/** How often a classifier is right, how sure it is, and its mean loss. */
export interface Quality {
  readonly accuracy: number;
  readonly loss: number;
  /** The expected calibration error. */
  readonly ece: number;
  /** The best class of each row, and its probability. */
  readonly predicted: readonly number[];
  readonly probability: readonly number[];
}

/** The scores of some examples, a row each, and their classes. */
export interface Scored {
  readonly logits: readonly Float64Array[];
  readonly labels: readonly number[];
}

/** The scores of several parts as those of one. */
export const joined = (parts: readonly Scored[]): Scored => ({
  logits: parts.flatMap(({ logits }) => logits),
  labels: parts.flatMap(({ labels }) => labels),
});

/** The scores of a head: [examples, classes]. */
export function scoresOf({ features, labels }: Labelled, { kernel, bias }: Head): Scored {
  const [inputs, classes] = kernel.shape;
  const x = features.data as Float32Array;
  const w = kernel.data as Float32Array;
  const logits = labels.map((_, row) => {
    const scores = Float64Array.from(bias.data as Float32Array);
    for (let i = 0; i < inputs; i++) {
      const value = x[row * inputs + i];
      for (let k = 0; k < classes; k++) scores[k] += value * w[i * classes + k];
    }
    return scores;
  });
  return { logits, labels };
}

/** The quality of scores whose softmax are probabilities. */
export function qualityOfScores({ logits, labels }: Scored): Quality {
  const predicted: number[] = [];
  const probability: number[] = [];
  let loss = 0;
  logits.forEach((row, i) => {
    const most = row.reduce((a, b) => Math.max(a, b));
    const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0);
    predicted.push(row.indexOf(most));
    probability.push(1 / sum);
    loss += Math.log(sum) + most - row[labels[i]];
  });
  const correct = predicted.map((best, i) => (best === labels[i] ? 1 : 0));
  return {
    accuracy: correct.reduce((sum: number, one) => sum + one, 0) / labels.length,
    loss: loss / labels.length,
    ece: calibrationError(probability, correct),
    predicted,
    probability,
  };
}

/** The quality of a head on some examples. */
export const qualityOf = (examples: Labelled, head: Head): Quality =>
  qualityOfScores(scoresOf(examples, head));
