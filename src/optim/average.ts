/** @file The moving average of parameters themselves. */

import { type Tensor, add, mul, sub } from "../graph/index.ts";
import { type Named, mapNamed } from "./transform.ts";

/** `decay · average + (1 − decay) · params`, in one product: average + (1 − decay) · (params − average). */
export const averageParameters = (average: Named, params: Named, decay: number): Named =>
  mapNamed(average, (mean: Tensor, name) => add(mean, mul(sub(params[name], mean), 1 - decay)));
