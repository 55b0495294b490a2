/** @file Gradients of a large batch, part after part. */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  arange,
  foldIn,
  mean,
  mul,
  reshape,
  scan,
  zerosLike,
} from "../graph/index.ts";
import type { Params } from "../nn/index.ts";
import type { Batch, LossOutputs } from "../objectives/index.ts";
import type { Named } from "../optim/index.ts";
import { type TreeStructure, flatten, unflatten } from "../tree.ts";

/** What one forward and backward pass yields. */
export interface Gradients extends LossOutputs {
  readonly grads: Named;
}

/** The forward and backward pass of a batch. */
export type GradientFunction = (variables: Params, batch: Batch, key: Tensor) => Gradients;

/**
 * The means of loss, metrics and gradients over equal parts of a batch, in one scan; variables go from part to part.
 *
 * @param trainable what gradients are taken of
 * @throws a configuration error where the batch does not divide
 */
export function accumulateGradients(
  gradients: GradientFunction,
  parts: number,
  trainable: Named,
  variables: Params,
  batch: Batch,
  key: Tensor,
): Gradients {
  const names = Object.keys(batch);
  const rows = names.map((name) => {
    const [size, ...rest] = batch[name].shape;
    if (size % parts === 0) return reshape(batch[name], [parts, size / parts, ...rest]);
    throw new OcelliError("config", `a batch of ${size} does not divide into ${parts} parts.`);
  });
  const held = flatten<Tensor>(variables);
  const moved = Object.keys(trainable);
  let measured: TreeStructure | undefined;
  const { carry, ys } = scan(
    (state, [index, ...part]) => {
      const now = unflatten(held.structure, state.slice(moved.length)) as Params;
      const examples = Object.fromEntries(names.map((name, i) => [name, part[i]]));
      const result = gradients(now, examples, foldIn(key, index));
      const scalars = flatten<Tensor>({ loss: result.loss, metrics: result.metrics });
      measured = scalars.structure;
      const sums = moved.map((name, i) => add(state[i], result.grads[name]));
      return {
        carry: [...sums, ...flatten<Tensor>(result.variables).leaves],
        ys: scalars.leaves,
      };
    },
    [...moved.map((name) => zerosLike(trainable[name])), ...held.leaves],
    [arange(parts), ...rows],
  );
  const means = unflatten(
    measured!,
    ys.map((y) => mean(y, 0)),
  ) as Pick<Gradients, "loss" | "metrics">;
  return {
    ...means,
    grads: Object.fromEntries(moved.map((name, i) => [name, mul(carry[i], 1 / parts)])),
    variables: unflatten(held.structure, carry.slice(moved.length)) as Params,
  };
}
