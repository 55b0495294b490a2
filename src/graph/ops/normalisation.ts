/**
 * @file Layer, root-mean-square and group normalisation as composites. Half-width floats are normalised in float32, the
 * residuals included, and rounded once.
 */

import { sizeOf } from "../dtype.ts";
import { type Cotangent, type Tensor, shapeError } from "../tensor.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { reduceSum } from "./stretch.ts";
import { applyComposite } from "./composite.ts";
import { mean } from "./reduce.ts";
import { convert, widened } from "./select.ts";
import { reshape } from "./shape.ts";
import { rsqrt } from "./unary.ts";

const keep = { keepDims: true };

/**
 * (x − mean) / √(variance + ε) · scale + bias over the last axis; the variance is the biased one.
 * x [..., features], scale and bias [features]. Ba et al. 2016, arXiv:1607.06450.
 */
export function layerNorm(x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-6): Tensor {
  checkFeatures("layerNorm", x, [scale, bias]);
  const axis = x.rank - 1;
  return applyComposite(
    {
      name: "layerNorm",
      options: { epsilon },
      decompose: (...inputs) => {
        const [z, s, b] = inputs.map(widened);
        const centre = mean(z, axis, keep);
        const centred = sub(z, centre);
        const inverse = rsqrt(add(mean(mul(centred, centred), axis, keep), epsilon));
        const normal = mul(centred, inverse);
        return [convert(add(mul(normal, s), b), x.dtype), centre, inverse];
      },
      rule: (inputs, [, centre, inverse], [cotangent], needs) => {
        if (!cotangent) return [null, null, null];
        const [z, s, d] = [inputs[0], inputs[1], cotangent].map(widened);
        const lead = z.shape.map((_, i) => i).slice(0, -1);
        const normal = mul(sub(z, centre), inverse);
        return narrowed(x, [
          needs[0] ? normGradient(normal, inverse, mul(d, s), axis, true) : null,
          needs[1] ? reduceSum(mul(d, normal), lead) : null,
          needs[2] ? reduceSum(d, lead) : null,
        ]);
      },
    },
    [x, scale, bias],
  );
}

/** Cotangents in the dtype of what was normalised. */
const narrowed = ({ dtype }: Tensor, list: readonly Cotangent[]): Cotangent[] =>
  list.map((d) => d && convert(d, dtype));

/** d/dx of a normalisation, from the normalised values, 1/σ and the cotangent of the normalised values. */
function normGradient(
  normal: Tensor,
  inverse: Tensor,
  d: Tensor,
  axes: number | readonly number[],
  centred: boolean,
): Tensor {
  const projection = mean(mul(d, normal), axes, keep);
  const direct = centred ? sub(d, mean(d, axes, keep)) : d;
  return mul(inverse, sub(direct, mul(normal, projection)));
}

/**
 * x / √(mean(x²) + ε) · scale over the last axis. x [..., features], scale [features].
 * Zhang & Sennrich 2019, arXiv:1910.07467. (Gemma passes 1 + its parameter as scale.)
 */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon = 1e-6): Tensor {
  checkFeatures("rmsNorm", x, [scale]);
  const axis = x.rank - 1;
  return applyComposite(
    {
      name: "rmsNorm",
      options: { epsilon },
      decompose: (...inputs) => {
        const [z, s] = inputs.map(widened);
        const inverse = rsqrt(add(mean(mul(z, z), axis, keep), epsilon));
        return [convert(mul(mul(z, inverse), s), x.dtype), inverse];
      },
      rule: (inputs, [, inverse], [cotangent], needs) => {
        if (!cotangent) return [null, null];
        const [z, s, d] = [inputs[0], inputs[1], cotangent].map(widened);
        const normal = mul(z, inverse);
        const lead = z.shape.map((_, i) => i).slice(0, -1);
        return narrowed(x, [
          needs[0] ? normGradient(normal, inverse, mul(d, s), axis, false) : null,
          needs[1] ? reduceSum(mul(d, normal), lead) : null,
        ]);
      },
    },
    [x, scale],
  );
}

/**
 * Normalises each group of features over space and the group. x [batch, spatial…, features], scale and bias [features].
 * Wu & He 2018, arXiv:1803.08494.
 */
export function groupNorm(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  groups = 32,
  epsilon = 1e-6,
): Tensor {
  checkFeatures("groupNorm", x, [scale, bias]);
  if (x.rank < 2) throw shapeError("groupNorm", [x], "takes [batch, spatial…, features]");
  const features = x.shape.at(-1)!;
  if (features % groups !== 0) {
    throw shapeError("groupNorm", [x], `${features} features do not divide into ${groups} groups`);
  }
  const grouped = [x.shape[0], sizeOf(x.shape.slice(1, -1)), groups, features / groups];
  const axes = [1, 3];
  const each = [1, 1, groups, features / groups];
  return applyComposite(
    {
      name: "groupNorm",
      options: { groups, epsilon },
      decompose: (...inputs) => {
        const [z, s, b] = inputs.map(widened);
        const g = reshape(z, grouped);
        const centre = mean(g, axes, keep);
        const centred = sub(g, centre);
        const inverse = rsqrt(add(mean(mul(centred, centred), axes, keep), epsilon));
        const normal = mul(centred, mul(inverse, reshape(s, each)));
        return [convert(add(reshape(normal, z.shape), b), x.dtype), centre, inverse];
      },
      // Sums over space alone give everything: few passes over the activations, which are all that such a network costs.
      rule: (inputs, [, centre, inverse], [cotangent], needs) => {
        if (!cotangent) return [null, null, null];
        const [z, s, d] = [inputs[0], inputs[1], cotangent].map(widened);
        const [g, dg, weight] = [reshape(z, grouped), reshape(d, grouped), reshape(s, each)];
        const total = reduceSum(dg, 1, keep); // [batch, 1, groups, features / groups]
        const dot = reduceSum(mul(dg, g), 1, keep);
        const projected = mul(inverse, sub(dot, mul(centre, total))); // Σ d · normal
        const over = (sums: Tensor): Tensor =>
          div(reduceSum(mul(sums, weight), 3, keep), grouped[1] * grouped[3]);
        const slope = mul(mul(inverse, inverse), over(projected)); // [batch, 1, groups, 1]
        const shift = sub(mul(slope, centre), mul(inverse, over(total)));
        const dz = () => add(sub(mul(dg, mul(inverse, weight)), mul(g, slope)), shift);
        const perFeature = (sums: Tensor): Tensor => reshape(reduceSum(sums, 0), s.shape);
        return narrowed(x, [
          needs[0] ? reshape(dz(), z.shape) : null,
          needs[1] ? perFeature(projected) : null,
          needs[2] ? perFeature(total) : null,
        ]);
      },
    },
    [x, scale, bias],
  );
}

function checkFeatures(operation: string, x: Tensor, parameters: readonly Tensor[]): void {
  const features = x.shape.at(-1);
  if (features === undefined || parameters.some((p) => p.rank !== 1 || p.shape[0] !== features)) {
    throw shapeError(operation, [x, ...parameters], `parameters must have shape [${features}]`);
  }
}
