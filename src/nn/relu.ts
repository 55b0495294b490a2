/** @file The rectifier. */

import {
  type Tensor,
  customGradient,
  greater,
  maximum,
  select,
  zerosLike,
} from "../graph/index.ts";

const rectify = customGradient(
  (x) => {
    const y = maximum(x, 0);
    return { outputs: [y], residuals: [y] };
  },
  ([y], [d]) => [select(greater(y, 0), d, zerosLike(d))],
);

/**
 * max(x, 0), with slope 0 at 0, where a maximum's is ½. Only the result is kept for the backward pass, so that an engine
 * may compute it together with what comes before.
 */
export const relu = (x: Tensor): Tensor => rectify(x)[0];
