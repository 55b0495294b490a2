/** @file Initial values of parameters, as flax draws them. */

import {
  type Shape,
  type Tensor,
  full,
  mul,
  normal as drawNormal,
  reshape,
  sizeOf,
  truncatedNormal as drawTruncated,
  uniform as drawUniform,
} from "../graph/index.ts";
import { OcelliError } from "../errors.ts";

/** A distribution of initial values. */
export interface Initialiser {
  /** Initialisers of one name draw from one distribution. */
  readonly name: string;
  /** Float32 values of a shape. */
  readonly draw: (key: Tensor, shape: Shape) => Tensor;
}

/** One number everywhere. */
export const constantValue = (value: number): Initialiser => ({
  name: `constant(${value})`,
  draw: (_key, shape) => full(shape, value),
});

export const zerosInit = constantValue(0);
export const onesInit = constantValue(1);

/** Normal numbers around 0. */
export const normal = (stddev: number): Initialiser => ({
  name: `normal(${stddev})`,
  draw: (key, shape) => mul(drawNormal(key, shape), stddev),
});

/** Standard deviation of a standard normal cut at ±2. */
const TRUNCATED_STDDEV = 0.87962566103423978;

/** Normal numbers cut at two standard deviations, scaled so that their deviation after the cut is `stddev`. */
export const truncatedNormal = (stddev: number): Initialiser => ({
  name: `truncatedNormal(${stddev})`,
  draw: (key, shape) => mul(drawTruncated(key, -2, 2, shape), stddev / TRUNCATED_STDDEV),
});

/** Uniform numbers in [−limit, limit). */
export const uniform = (limit: number): Initialiser => ({
  name: `uniform(${limit})`,
  draw: (key, shape) => mul(drawUniform(key, shape, -1, 1), limit),
});

type Fan = "fanIn" | "fanOut" | "fanAverage";
type Distribution = "truncatedNormal" | "normal" | "uniform";

/** Inputs and outputs of a kernel [receptive field…, in, out]. */
function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    throw new OcelliError("shape", `a kernel of shape [${shape}] has no fan-in and fan-out.`);
  }
  const field = sizeOf(shape.slice(0, -2));
  return { fanIn: shape.at(-2)! * field, fanOut: shape.at(-1)! * field };
}

/**
 * Draws with variance scale / fan from a kernel's shape [receptive field…, in, out].
 *
 * @see He et al. 2015, arXiv:1502.01852; Glorot & Bengio 2010
 */
export const varianceScaling = (
  scale: number,
  fan: Fan,
  distribution: Distribution,
): Initialiser => ({
  name: `varianceScaling(${scale}, ${fan}, ${distribution})`,
  draw(key, shape) {
    const { fanIn, fanOut } = fans(shape);
    const n = fan === "fanIn" ? fanIn : fan === "fanOut" ? fanOut : (fanIn + fanOut) / 2;
    const stddev = Math.sqrt(scale / n);
    if (distribution === "uniform") return uniform(Math.sqrt(3) * stddev).draw(key, shape);
    return (distribution === "normal" ? normal : truncatedNormal)(stddev).draw(key, shape);
  },
});

/** flax's default for kernels. */
export const lecunNormal = varianceScaling(1, "fanIn", "truncatedNormal");
export const xavierUniform = varianceScaling(1, "fanAverage", "uniform");
export const heNormal = varianceScaling(2, "fanIn", "truncatedNormal");

/** Draws as for a matrix [in, out] and reshapes: how kernels with several input or output axes are drawn. */
export const asMatrix = (init: Initialiser, fanIn: number, fanOut: number): Initialiser => ({
  name: `${init.name} as [${fanIn},${fanOut}]`,
  draw: (key, shape) => reshape(init.draw(key, [fanIn, fanOut]), shape),
});
