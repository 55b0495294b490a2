/**
 * @file Siamese losses without negatives.
 *
 * BYOL: Grill et al. 2020, arXiv:2006.07733, equation 2. SimSiam: Chen & He 2021, arXiv:2011.10566, equation 2. Barlow
 * Twins: Zbontar et al. 2021, arXiv:2103.03230, equation 1. VICReg: Bardes et al. 2022, arXiv:2105.04906, equations 1 to 6.
 */

import {
  type Tensor,
  add,
  div,
  dotGeneral,
  eye,
  maximum,
  mean,
  mul,
  reduceSum,
  rsqrt,
  sqrt,
  square,
  stopGradient,
  sub,
} from "../../graph/index.ts";
import { columnMeans, cosines, countRows, keptRows } from "./rows.ts";

/** 2 − 2 cos(p, z) for each row; no gradient passes to the target z. BYOL's loss of one direction, [batch]. */
export const regression = (p: Tensor, z: Tensor): Tensor =>
  sub(2, mul(cosines(p, stopGradient(z)), 2));

/** −½ cos(p, z) for each row; no gradient passes to the target z. SimSiam's loss of one direction, [batch]. */
export const negativeCosine = (p: Tensor, z: Tensor): Tensor =>
  mul(cosines(p, stopGradient(z)), -0.5);

/** What {@link barlowTwins} is made of. */
export interface Redundancy {
  /** onDiagonal + λ · offDiagonal, a scalar. */
  readonly loss: Tensor;
  /** Σᵢ (1 − Cᵢᵢ)². */
  readonly onDiagonal: Tensor;
  /** Σ_{i≠j} Cᵢⱼ². */
  readonly offDiagonal: Tensor;
  /** C, [width, width]. */
  readonly correlation: Tensor;
}

const offDiagonal = (squares: Tensor): Tensor =>
  reduceSum(mul(squares, sub(1, eye(squares.shape[0], squares.dtype))));

/**
 * Barlow Twins: the cross-correlation C of two views, standardised over the batch (biased variance, ε 1e-5), is to be the
 * identity: Σᵢ (1 − Cᵢᵢ)² + λ Σ_{i≠j} Cᵢⱼ².
 *
 * @param a [batch, width]
 * @param b [batch, width]
 * @param weight λ
 * @param mask 0 for rows that take no part, [batch]
 */
export function barlowTwins(a: Tensor, b: Tensor, weight = 5e-3, mask?: Tensor): Redundancy {
  const standard = (x: Tensor): Tensor => {
    const centred = sub(x, columnMeans(x, mask));
    const spread = columnMeans(square(centred), mask);
    return keptRows(mul(centred, rsqrt(add(spread, 1e-5))), mask);
  };
  const products = dotGeneral(standard(a), standard(b), { lhsContract: [0], rhsContract: [0] });
  const correlation = div(products, countRows(a, mask));
  const identity = eye(correlation.shape[0], a.dtype);
  const onDiagonal = reduceSum(mul(square(sub(1, correlation)), identity));
  const off = offDiagonal(square(correlation));
  return {
    loss: add(onDiagonal, mul(off, weight)),
    onDiagonal,
    offDiagonal: off,
    correlation,
  };
}

/** How {@link vicReg} weighs its terms. */
export interface VicRegWeights {
  /** Default: 25. */
  readonly invariance?: number;
  /** Default: 25. */
  readonly variance?: number;
  /** Default: 1. */
  readonly covariance?: number;
}

/** What {@link vicReg} is made of: scalars. */
export interface VicRegTerms {
  readonly loss: Tensor;
  readonly invariance: Tensor;
  readonly variance: Tensor;
  readonly covariance: Tensor;
}

/**
 * VICReg: the mean squared distance of two views; the hinge max(0, 1 − √(Var + 1e-4)) of every feature (unbiased variance,
 * mean over features, half of each view); and the squared covariances off the diagonal over the width, of both views.
 *
 * @param a [batch, width]
 * @param b [batch, width]
 * @param mask 0 for rows that take no part, [batch]
 */
export function vicReg(
  a: Tensor,
  b: Tensor,
  { invariance: alike = 25, variance: spread = 25, covariance: apart = 1 }: VicRegWeights = {},
  mask?: Tensor,
): VicRegTerms {
  const width = a.shape[1];
  const count = countRows(a, mask);
  const free = typeof count === "number" ? Math.max(count - 1, 1) : maximum(sub(count, 1), 1);
  const invariance = mean(columnMeans(square(sub(a, b)), mask));
  const centre = (x: Tensor): Tensor => keptRows(sub(x, columnMeans(x, mask)), mask);
  const [za, zb] = [centre(a), centre(b)];
  const hinge = (z: Tensor): Tensor => {
    const deviation = sqrt(add(div(reduceSum(square(z), 0), free), 1e-4));
    return mean(maximum(sub(1, deviation), 0));
  };
  const squares = (z: Tensor): Tensor => {
    const covariances = div(dotGeneral(z, z, { lhsContract: [0], rhsContract: [0] }), free);
    return mul(offDiagonal(square(covariances)), 1 / width);
  };
  const variance = mul(add(hinge(za), hinge(zb)), 0.5);
  const covariance = add(squares(za), squares(zb));
  const loss = add(add(mul(invariance, alike), mul(variance, spread)), mul(covariance, apart));
  return { loss, invariance, variance, covariance };
}
