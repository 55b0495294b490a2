/** @file Gradients of a large batch, part after part. */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  arange,
  broadcastTo,
  div,
  foldIn,
  maximum,
  mean,
  mul,
  reduceSum,
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

/** Scalars of each part by name, `loss` among them, and what they are means over. */
type Measured = Readonly<Record<"values" | "counts", Named>>;

/** The forward and backward pass of a batch. */
export type GradientFunction = (variables: Params, batch: Batch, key: Tensor) => Gradients;

/**
 * The means of loss, metrics and gradients over equal parts of a batch, in one scan, each part by what the objective
 * counts in it; variables go from part to part.
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
      const { loss, metrics, counts = {} } = result;
      const scalars = flatten<Tensor>({ values: { ...metrics, loss }, counts });
      measured = scalars.structure;
      const weigh = (grad: Tensor): Tensor =>
        counts.loss ? mul(grad, broadcastTo(counts.loss, grad.shape)) : grad;
      const sums = moved.map((name, i) => add(state[i], weigh(result.grads[name])));
      return {
        carry: [...sums, ...flatten<Tensor>(result.variables).leaves],
        ys: scalars.leaves,
      };
    },
    [...moved.map((name) => zerosLike(trainable[name])), ...held.leaves],
    [arange(parts), ...rows],
  );
  const { values, counts } = unflatten(measured!, ys) as Measured; // [parts] each
  const { loss, ...metrics } = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, meanOf(value, counts[name])]),
  );
  const meanGrad = (sum: Tensor): Tensor =>
    counts.loss ? div(sum, broadcastTo(totalOf(counts.loss), sum.shape)) : mul(sum, 1 / parts);
  return {
    loss,
    metrics,
    grads: Object.fromEntries(moved.map((name, i) => [name, meanGrad(carry[i])])),
    variables: unflatten(held.structure, carry.slice(moved.length)) as Params,
  };
}

/** The mean of values [parts], each by its count; of equal counts where none are given. */
const meanOf = (values: Tensor, counts: Tensor | undefined): Tensor =>
  counts ? div(reduceSum(mul(values, counts)), totalOf(counts)) : mean(values, 0);

/** What all parts count; where that is nothing, their sums are 0 and stay so. */
const totalOf = (counts: Tensor): Tensor => maximum(reduceSum(counts), 1e-8);
