/** @file The forward and backward pass of a training step, which the step and the replay of one share. */

import { type Tensor, valueAndGrad } from "../graph/index.ts";
import type { Objective } from "../objectives/index.ts";
import type { Named } from "../optim/index.ts";
import { fromFlat } from "../tree.ts";
import type { GradientFunction } from "./accumulate.ts";

/** What a gradient is taken of. */
interface Point {
  readonly objective: Objective;
  /** All parameters, by flat name. */
  readonly params: Named;
  /** Those of them, maybe with other values, that the gradient is of; the others are frozen. */
  readonly trainable: Named;
  /** Updates made so far, an int32 scalar. */
  readonly step: Tensor;
}

/** The forward and backward pass of an objective at a point: of a batch, or of a part of one. */
export const gradientsAt =
  ({ objective, params, trainable, step }: Point): GradientFunction =>
  (variables, batch, key) => {
    const { value, aux, grads } = valueAndGrad((moved: Named) => {
      const result = objective.loss({
        params: fromFlat<Tensor>({ ...params, ...moved }),
        variables,
        batch,
        key,
        step,
        train: true,
        isFrozen: (name) => !Object.hasOwn(trainable, name),
      });
      return [result.loss, result] as const;
    })(trainable);
    return { ...aux, grads, loss: value };
  };
