/** @file Cases of image models: outputs, intermediates, loss and gradients of one call. */

import type { Engine } from "../engines/engine.ts";
import { type Tensor, mul, norm, reduceSum, valueAndGrad } from "../graph/index.ts";
import type { ImageModel } from "../models/index.ts";
import { apply } from "../nn/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import { type Case, inputOf, objectAt, under } from "./case.ts";
import type { Computed } from "./compare.ts";
import { compileNamed } from "./compute.ts";

const L2 = "grad_l2/";

/**
 * Computes a case of an image model: `output`, its named intermediates, the loss "mean over the batch of
 * sum(output * loss_weights)", its gradients, and their norms where those are recorded instead.
 */
export async function computeImageModel(
  { params, inputs, outputs, grads, description }: Case,
  model: ImageModel,
  engine: Engine,
): Promise<Computed> {
  const { loss_weights: weights } = inputs;
  const image = inputOf(inputs, "image");
  const train = objectAt(description, "call_kwargs").train === true;
  const wantsGrads = Object.keys(grads).length > 0 || "loss" in outputs;
  const run = compileNamed(engine, (flat, given) => {
    const loss = (moved: Tree<Tensor>): readonly [Tensor, Readonly<Record<string, Tensor>>] => {
      const call = apply(model, { params: moved, train }, given.image);
      const [output, out] = call.result;
      const named = { ...toFlat<Tensor>(out), output };
      if (!given.loss_weights) return [reduceSum(output), named];
      const total = reduceSum(mul(output, given.loss_weights));
      const value = mul(total, 1 / output.shape[0]);
      return [value, { ...named, loss: value }];
    };
    const tree = fromFlat<Tensor>(flat);
    if (!wantsGrads) return prefixed("out/", loss(tree)[1]);
    const { aux, grads: d } = valueAndGrad(loss)(tree);
    const gradients = toFlat<Tensor>(d);
    const norms = Object.entries(gradients)
      .filter(([name]) => L2 + name in outputs)
      .map(([name, gradient]) => [`out/${L2}${name}`, norm(gradient)] as const);
    return {
      ...prefixed("out/", aux),
      ...prefixed("grads/", gradients),
      ...Object.fromEntries(norms),
    };
  });
  const results = await run(params, weights ? { image, loss_weights: weights } : { image });
  return { outputs: under(results, "out/"), grads: { "": under(results, "grads/") } };
}

const prefixed = (prefix: string, named: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(named).map(([name, tensor]) => [prefix + name, tensor]));
