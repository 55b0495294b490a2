/** @file Arithmetic of moving averages whose accumulators may be narrower than float32. */

import {
  type DType,
  type Tensor,
  add,
  convert,
  fromNumbers,
  mul,
  pow,
  scalar,
  sub,
  toNumbers,
  zeros,
} from "../graph/index.ts";
import { type Named, type Scalar, mapNamed, scaled } from "./transform.ts";

/** Zeros in the shapes of parameters. */
export const zeroMoments = (params: Named, dtype: DType = "float32"): Named =>
  mapNamed(params, ({ shape }) => zeros(shape, dtype));

/**
 * `decay · accumulator` in float32, the decay in the accumulator's dtype: 0.9 counts as 0.8984375 beside bfloat16, as
 * in optax once it is compiled.
 */
function decayed(accumulator: Tensor, decay: number): Tensor {
  const [rounded] = toNumbers(fromNumbers([decay], [], accumulator.dtype));
  return mul(convert(accumulator, "float32"), rounded);
}

/** `decay · accumulator + weight · scale · value`, in float32. */
export const accumulate = (
  accumulator: Tensor,
  decay: number,
  value: Tensor,
  weight: Scalar,
): Tensor => add(scaled(value, weight), decayed(accumulator, decay));

/** The accumulators' next values over all updates, in float32. */
export const accumulateAll = (
  accumulators: Named,
  decay: number,
  values: Named,
  weight: Scalar,
): Named => mapNamed(values, (value, name) => accumulate(accumulators[name], decay, value, weight));

/** Stored in the dtype of an accumulator. */
export const store = (values: Named, dtype: DType): Named =>
  mapNamed(values, (value) => convert(value, dtype));

/** 1 − decay^(step + 1 + later): what an average that began at zero lacks of its full weight. */
export const biasCorrection = (decay: number, step: Tensor, later = 0): Tensor =>
  sub(1, pow(scalar(decay), add(convert(step, "float32"), 1 + later)));
