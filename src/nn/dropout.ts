/** @file Dropout of elements and of whole branches. */

import { OcelliError } from "../errors.ts";
import { type Tensor, bernoulli, broadcastTo, mul, select } from "../graph/index.ts";
import { layer } from "./scope.ts";

function checkRate(what: string, rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new OcelliError("argument", `a ${what} rate lies in [0, 1), not ${rate}.`);
}

/** Zeroes elements with probability `rate` while training and scales the others up. Srivastava et al. 2014. */
export const dropout = layer((scope, x: Tensor, rate: number): Tensor => {
  checkRate("dropout", rate);
  if (!scope.train || rate === 0) return x;
  const keep = bernoulli(scope.key("dropout"), 1 - rate, x.shape);
  return select(keep, mul(x, 1 / (1 - rate)), 0);
});

/**
 * Zeroes a residual branch of whole examples with probability `rate` while training and scales the others up, as timm's
 * `DropPath`. x [batch, …]. Huang et al. 2016, arXiv:1603.09382.
 */
export const dropPath = layer((scope, x: Tensor, rate: number): Tensor => {
  checkRate("drop path", rate);
  if (!scope.train || rate === 0) return x;
  return mul(stochasticDepth(scope, x, rate), 1 / (1 - rate));
});

/**
 * Zeroes a residual branch of whole examples with probability `rate` while training; what stays is not scaled, as in
 * MLP-Mixer. x [batch, …]. Huang et al. 2016, arXiv:1603.09382.
 */
export const stochasticDepth = layer((scope, x: Tensor, rate: number): Tensor => {
  checkRate("stochastic depth", rate);
  if (!scope.train || rate === 0) return x;
  const shape = x.shape.map((extent, axis) => (axis === 0 ? extent : 1));
  const keep = bernoulli(scope.key("stochastic_depth"), 1 - rate, shape);
  return select(broadcastTo(keep, x.shape), x, 0);
});
