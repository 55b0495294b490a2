/** @file The moving average of parameters themselves. */

import { type Tensor, add, convert, div, minimum, scalar, sub } from "../graph/index.ts";
import { type Named, type Scalar, mapNamed, scaled } from "./transform.ts";

/** `decay · average + (1 − decay) · params`, in one product: average + (1 − decay) · (params − average). */
export const averageParameters = (average: Named, params: Named, decay: Scalar): Named => {
  const rest = typeof decay === "number" ? 1 - decay : sub(scalar(1), decay);
  return mapNamed(average, (mean: Tensor, name) =>
    add(mean, scaled(sub(params[name], mean), rest)),
  );
};

/**
 * The decay of an average that is still short: min(decay, (1 + step) / (10 + step)), so that the initial values do not
 * weigh more than the few that followed them.
 *
 * @param step updates made before, an int32 scalar
 * @see https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage (`num_updates`)
 */
export function warmDecay(decay: number, step: Tensor): Tensor {
  const count = convert(step, "float32");
  return minimum(div(add(count, 1), add(count, 10)), decay);
}
