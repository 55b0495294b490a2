/** @file Cross-entropy over independent classes. */

import {
  type Tensor,
  abs,
  add,
  exp,
  log1p,
  maximum,
  mul,
  neg,
  reduceSum,
  sub,
} from "../graph/index.ts";

/**
 * −Σ (labels · log σ(logits) + (1 − labels) · log σ(−logits)) over the last axis, for each example,
 * in the form max(x, 0) − x y + log(1 + e^−|x|), which does not overflow.
 */
export function sigmoidXent(logits: Tensor, labels: Tensor): Tensor {
  const softplus = log1p(exp(neg(abs(logits))));
  return reduceSum(add(sub(maximum(logits, 0), mul(logits, labels)), softplus), -1);
}
