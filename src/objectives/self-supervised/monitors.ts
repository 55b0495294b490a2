/**
 * @file Signs of collapse: how features spread.
 *
 * Deviation: Chen & He 2021 (SimSiam), arXiv:2011.10566, Section 4.1. Alignment and uniformity: Wang & Isola 2020,
 * arXiv:2005.10242.
 */

import {
  type Tensor,
  add,
  div,
  dotGeneral,
  exp,
  log,
  mean,
  mul,
  reduceSum,
  sqrt,
  square,
  stopGradient,
  sub,
  variance,
} from "../../graph/index.ts";
import { unitRows } from "../../losses/index.ts";

/**
 * Of features [batch, width], scalars: `featureDeviation`, the mean deviation of unit features times √width, 1 where they
 * spread evenly and 0 where all are one; `effectiveRank`, (Σλ)² / Σλ² of their covariance's eigenvalues; `uniformity`, log of
 * the mean of exp(−2 ‖x − y‖²) over pairs; and with other views of the same images `alignment`, the mean ‖x − y‖².
 */
export function monitors(features: Tensor, others?: Tensor): Readonly<Record<string, Tensor>> {
  const unit = unitRows(stopGradient(features));
  const [batch, width] = unit.shape;
  const deviation = mul(mean(sqrt(variance(unit, 0))), Math.sqrt(width));
  const centred = sub(unit, mean(unit, 0, { keepDims: true }));
  // the Gram matrix has the covariance's eigenvalues, and is the smaller of the two
  const gram = dotGeneral(centred, centred, { lhsContract: [1], rhsContract: [1] });
  const total = reduceSum(square(centred));
  const rank = div(square(total), add(reduceSum(square(gram)), 1e-12));
  const products = dotGeneral(unit, unit, { lhsContract: [1], rhsContract: [1] });
  const near = sub(reduceSum(exp(mul(sub(products, 1), 4))), batch);
  const pairs = Math.max(batch * (batch - 1), 1);
  const spread = {
    featureDeviation: deviation,
    effectiveRank: rank,
    uniformity: log(add(mul(near, 1 / pairs), 1e-30)),
  };
  if (!others) return spread;
  const distance = reduceSum(square(sub(unit, unitRows(stopGradient(others)))), 1);
  return { ...spread, alignment: mean(distance) };
}
