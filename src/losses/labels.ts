/** @file Labels of single classes or of distributions, and how often they are met. */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  argMax,
  equal,
  isInteger,
  oneHot,
  reduceSum,
  select,
} from "../graph/index.ts";

/** Labels [batch, classes] in float32. */
export function hotLabels(label: Tensor, logits: Tensor): Tensor {
  const classes = logits.shape[1];
  if (isInteger(label.dtype) && label.rank === 1) return oneHot(label, classes);
  if (label.rank === 2 && label.shape[1] === classes && label.dtype === "float32") return label;
  throw new OcelliError(
    "shape",
    `label is ${label} where int32[batch] or float32[batch,${classes}] is taken.`,
  );
}

/** 1 where the class of the largest logit is the label (or has the label's value), [batch]. */
export function correctness(logits: Tensor, label: Tensor, hot: Tensor): Tensor {
  const best = argMax(logits, 1);
  if (label.rank === 1) return equal(best, label);
  return reduceSum(select(equal(oneHot(best, hot.shape[1]), 1), hot, 0), 1);
}
