/** @file Dropout. */

import { OcelliError } from "../errors.ts";
import { type Tensor, bernoulli, mul, select } from "../graph/index.ts";
import { layer } from "./scope.ts";

/** Zeroes elements with probability `rate` while training and scales the others up. Srivastava et al. 2014. */
export const dropout = layer((scope, x: Tensor, rate: number): Tensor => {
  if (!(rate >= 0 && rate < 1)) {
    throw new OcelliError("argument", `a dropout rate lies in [0, 1), not ${rate}.`);
  }
  if (!scope.train || rate === 0) return x;
  const keep = bernoulli(scope.key("dropout"), 1 - rate, x.shape);
  return select(keep, mul(x, 1 / (1 - rate)), 0);
});
