/** @file Temperature: how far scores are scaled so that their softmax says how often they are right. */

import { hostArray } from "../../graph/index.ts";
import type { Head } from "./labelled.ts";
import type { Scored } from "./quality.ts";

/** Scores are divided by a temperature in this range at most. */
const RANGE = [1e-2, 1e4] as const;
/** Halvings of that range on a logarithmic scale: far below any difference that could be seen. */
const HALVINGS = 50;

/**
 * The temperature at which scores of examples that were not learned from have the least cross-entropy (Guo et al. 2017,
 * section 4.2). As few examples, all of them right, would make any score certain, one that is right and one that is
 * wrong are added, the rule of succession: of n examples the target of the right class is (n + 1) / (n + 2), as Platt
 * (1999) smooths his targets; the rest is spread over the other classes.
 *
 * @see https://arxiv.org/abs/1706.04599
 */
export function findTemperature({ logits, labels }: Scored): number {
  const right = (logits.length + 1) / (logits.length + 2);
  /** The derivative of the cross-entropy by the factor that scores are multiplied with, which rises with it. */
  const slope = (factor: number): number =>
    logits.reduce((total, row, i) => {
      const most = factor * row.reduce((a, b) => Math.max(a, b));
      const weights = row.map((logit) => Math.exp(factor * logit - most));
      const sum = weights.reduce((a, b) => a + b, 0);
      const wrong = (1 - right) / (row.length - 1);
      return row.reduce((change, logit, k) => {
        const target = k === labels[i] ? right : wrong;
        return change + logit * (weights[k] / sum - target);
      }, total);
    }, 0);
  let [low, high] = RANGE.map(Math.log);
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (slope(1 / Math.exp(middle)) > 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** A head whose scores are divided by a temperature; its classes keep their order. */
export function cooled({ kernel, bias }: Head, temperature: number): Head {
  const divide = ({ shape, data }: Head["kernel"]) =>
    hostArray(
      shape,
      "float32",
      (data as Float32Array).map((value) => value / temperature),
    );
  return { kernel: divide(kernel), bias: divide(bias) };
}
