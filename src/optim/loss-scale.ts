/** @file Loss scaling: gradients of float16 are taken of a multiple of the loss, so that small ones do not become 0. */

import { z } from "zod";
import {
  type Tensor,
  add,
  div,
  greater,
  greaterEqual,
  logicalAnd,
  maximum,
  minimum,
  mul,
  scalar,
  select,
} from "../graph/index.ts";

/** How the loss is scaled. */
export const lossScaleSchema = z.strictObject({
  /** The scale of the first step, a power of two. */
  initial: z
    .number()
    .min(1)
    .max(2 ** 24)
    .refine((scale) => Number.isInteger(Math.log2(scale)), { message: "a power of two" })
    .default(2 ** 16),
  /** Updates after which the scale is doubled. */
  growthInterval: z.int().min(1).default(2000),
});

/** How the loss is scaled. */
export type LossScaling = z.output<typeof lossScaleSchema>;

/** The bounds of a scale. */
const [LEAST, MOST] = [1, 2 ** 24];

/** What is kept of the scale from step to step. */
export type LossScale = {
  /** What the loss is multiplied by, a float32 power of two. */
  readonly scale: Tensor;
  /** Updates since the scale was changed, an int32 scalar. */
  readonly since: Tensor;
  /** Steps that were left out for the scale's sake so far, an int32 scalar. */
  readonly overflows: Tensor;
};

/** The scale before the first step. */
export const firstLossScale = ({ initial }: LossScaling): LossScale => ({
  scale: scalar(initial),
  since: scalar(0, "int32"),
  overflows: scalar(0, "int32"),
});

/** Whether gradients that are not finite may be the scale's fault: where it cannot be smaller, they are not. */
export const mayOverflow = ({ scale }: LossScale): Tensor => greater(scale, LEAST);

/**
 * The scale after a step: halved where gradients overflowed, doubled after `growthInterval` updates in a row, the same
 * where a step was left out for another reason.
 *
 * @param updated whether the step made an update, a bool scalar
 * @param overflowed whether it was left out because the scaled gradients were not finite, a bool scalar
 * @see Micikevicius et al. 2018, arXiv:1710.03740, §3.2
 */
export function nextLossScale(
  { scale, since, overflows }: LossScale,
  { growthInterval }: Pick<LossScaling, "growthInterval">,
  updated: Tensor,
  overflowed: Tensor,
): LossScale {
  const more = add(since, 1);
  const grows = logicalAnd(updated, greaterEqual(more, growthInterval));
  const changes = select(grows, minimum(mul(scale, 2), MOST), scale);
  return {
    scale: select(overflowed, maximum(div(scale, 2), LEAST), changes),
    since: select(overflowed, 0, select(grows, 0, select(updated, more, since))),
    overflows: select(overflowed, add(overflows, 1), overflows),
  };
}
