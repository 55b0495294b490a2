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
  equal,
  exp,
  eye,
  log,
  maximum,
  mean,
  mul,
  reduceSum,
  select,
  sqrt,
  square,
  stopGradient,
  sub,
} from "../../graph/index.ts";
import {
  bothKept,
  columnMeans,
  countRows,
  keptRows,
  maskedMean,
  unitRows,
} from "../../losses/index.ts";

/**
 * Of features [rows, width], those that a mask [rows] keeps, scalars: `featureDeviation`, the mean deviation of unit features times √width, 1 where they
 * spread evenly and 0 where all are one; `effectiveRank`, (Σλ)² / Σλ² of their covariance's eigenvalues; `uniformity`, log of
 * the mean of exp(−2 ‖x − y‖²) over pairs; and with other views of the same images `alignment`, the mean ‖x − y‖².
 */
export function monitors(
  features: Tensor,
  others?: Tensor,
  mask?: Tensor,
): Readonly<Record<string, Tensor>> {
  const unit = keptRows(unitRows(stopGradient(features)), mask);
  const [, width] = unit.shape;
  const count = countRows(unit, mask);
  const centred = keptRows(sub(unit, columnMeans(unit, mask)), mask);
  const deviation = mul(mean(sqrt(columnMeans(square(centred), mask))), Math.sqrt(width));
  // the Gram matrix has the covariance's eigenvalues, and is the smaller of the two
  const gram = dotGeneral(centred, centred, { lhsContract: [1], rhsContract: [1] });
  const total = reduceSum(square(centred));
  const rank = div(square(total), add(reduceSum(square(gram)), 1e-12));
  const products = dotGeneral(unit, unit, { lhsContract: [1], rhsContract: [1] });
  const pairsKept = bothKept(equal(eye(unit.shape[0]), 0), mask);
  const near = reduceSum(select(pairsKept, exp(mul(sub(products, 1), 4)), 0));
  const pairs =
    typeof count === "number"
      ? Math.max(count * (count - 1), 1)
      : maximum(mul(count, sub(count, 1)), 1);
  const spread = {
    featureDeviation: deviation,
    effectiveRank: rank,
    uniformity: log(add(div(near, pairs), 1e-30)),
  };
  if (!others) return spread;
  const distance = reduceSum(square(sub(unit, unitRows(stopGradient(others)))), 1);
  return { ...spread, alignment: maskedMean(distance, mask) };
}

/**
 * The same of what a loss compares, [rows, width]: `outputDeviation` and `outputRank`. After a batch normalisation outputs
 * cannot become one point, and collapse onto a line instead: the rank goes to 1.
 */
export function outputMonitors(outputs: Tensor, mask?: Tensor): Readonly<Record<string, Tensor>> {
  const { featureDeviation, effectiveRank } = monitors(outputs, undefined, mask);
  return { outputDeviation: featureDeviation, outputRank: effectiveRank };
}
