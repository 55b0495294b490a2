/** @file Gradient transformations: pairs of `init` and `update` over parameters by name, and their composition. */

import { type Tensor, broadcastTo, convert, mul } from "../graph/index.ts";
import type { Tree } from "../tree.ts";

/** Tensors by full name, path parts joined by "/". */
export type Named = Readonly<Record<string, Tensor>>;

/** A float32 scalar: a number, or a tensor of rank 0. */
export type Scalar = Tensor | number;

/**
 * Updates of parameters: `scale` times `values`. The common factor is kept apart, so that the next transformation
 * folds it into its own arithmetic instead of passing over every parameter for it.
 */
export interface Updates {
  readonly values: Named;
  readonly scale: Scalar;
}

/** What an update may read beside gradients and parameters. */
export interface UpdateContext {
  /** Updates made so far, an int32 scalar: 0 in the first one. */
  readonly step: Tensor;
  /** The learning rate of this step, for rules that keep it in what they accumulate. */
  readonly rate?: Tensor;
}

/** A gradient transformation. */
export interface Transform<S extends Tree<Tensor> = Tree<Tensor>> {
  init(params: Named): S;
  update(
    updates: Updates,
    state: S,
    params: Named,
    context: UpdateContext,
  ): { updates: Updates; state: S };
}

/** Applies `fn` to every tensor with its name. */
export const mapNamed = (named: Named, fn: (tensor: Tensor, name: string) => Tensor): Named =>
  Object.fromEntries(Object.entries(named).map(([name, tensor]) => [name, fn(tensor, name)]));

/** A tensor times a scalar; a factor of 1 makes no equation. */
export function scaled(x: Tensor, scale: Scalar): Tensor {
  if (scale === 1) return x;
  if (typeof scale === "number") return mul(x, scale);
  return mul(x, broadcastTo(convert(scale, x.dtype), x.shape));
}

/** The product of two scalars. */
export const product = (a: Scalar, b: Scalar): Scalar => {
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (a === 1) return b;
  return b === 1 ? a : mul(a, b);
};

/** Transformations one after the other; the state is the list of theirs. */
export const chain = (...transforms: readonly Transform[]): Transform<readonly Tree<Tensor>[]> => ({
  init: (params) => transforms.map((transform) => transform.init(params)),
  update(updates, states, params, context) {
    let current = updates;
    const next = transforms.map((transform, i) => {
      const result = transform.update(current, states[i], params, context);
      current = result.updates;
      return result.state;
    });
    return { updates: current, state: next };
  },
});

/** A transformation without state. */
export const stateless = (
  fn: (updates: Updates, params: Named, context: UpdateContext) => Updates,
): Transform<Record<string, never>> => ({
  init: () => ({}),
  update: (updates, state, params, context) => ({ updates: fn(updates, params, context), state }),
});

/** Plain gradient descent: the gradient is the direction. */
export const sgd = (): Transform => stateless((updates) => updates);

/** Gradients as updates. */
export const asUpdates = (values: Named): Updates => ({ values, scale: 1 });
