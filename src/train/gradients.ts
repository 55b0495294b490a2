/** @file The forward and backward pass of a training step, which the step and the replay of one share. */

import { type Tensor, div, mul, valueAndGrad } from "../graph/index.ts";
import type { Objective } from "../objectives/index.ts";
import { type Named, mapNamed } from "../optim/index.ts";
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
  /** What the loss is multiplied by while gradients are taken, a scalar; they are divided by it. Default: 1. */
  readonly scale?: Tensor;
}

/** The forward and backward pass of an objective at a point: of a batch, or of a part of one. */
export const gradientsAt =
  ({ objective, params, trainable, step, scale }: Point): GradientFunction =>
  (variables, batch, key) => {
    const { aux, grads } = valueAndGrad((moved: Named) => {
      const result = objective.loss({
        params: fromFlat<Tensor>({ ...params, ...moved }),
        variables,
        batch,
        key,
        step,
        train: true,
        isFrozen: (name) => !Object.hasOwn(trainable, name),
      });
      return [scale ? mul(result.loss, scale) : result.loss, result] as const;
    })(trainable);
    return { ...aux, grads: scale ? mapNamed(grads, (grad) => div(grad, scale)) : grads };
  };
