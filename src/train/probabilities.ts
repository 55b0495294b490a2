/** @file Logits as probabilities, on the host. */

import { type HostArray, toNumbers } from "../graph/index.ts";

/**
 * Probabilities of every class, a row for each of the logits' [batch, classes]: they sum to one for a model trained by
 * softmax, and stand each for itself for one trained by sigmoid.
 */
export function probabilitiesOf(logits: HostArray, loss: "softmax" | "sigmoid"): number[][] {
  const [rows, classes] = logits.shape;
  const values = toNumbers(logits);
  return Array.from({ length: rows }, (_, row) => {
    const given = values.slice(row * classes, (row + 1) * classes);
    if (loss === "sigmoid") return given.map((x) => 1 / (1 + Math.exp(-x)));
    const largest = Math.max(...given);
    const exponentials = given.map((x) => Math.exp(x - largest));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    return exponentials.map((value) => value / sum);
  });
}
