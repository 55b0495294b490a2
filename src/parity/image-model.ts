/** @file Cases of image models: outputs, intermediates, loss and gradients of one call. */

import type { Engine } from "../engines/engine.ts";
import {
  type Tensor,
  fromNumbers,
  mul,
  norm,
  reduceSum,
  toNumbers,
  valueAndGrad,
} from "../graph/index.ts";
import type { ImageModel } from "../models/index.ts";
import { apply } from "../nn/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import {
  type Arrays,
  type Case,
  type Json,
  type JsonObject,
  camelKeys,
  inputOf,
  objectAt,
  under,
} from "./case.ts";
import type { Computed } from "./compare.ts";
import { compileNamed } from "./compute.ts";

const L2 = "grad_l2/";

/** Options that are given: not null. */
export const withoutNull = (
  options: Readonly<Record<string, Json | undefined>>,
): Record<string, Json> =>
  Object.fromEntries(
    Object.entries(options).filter((entry): entry is [string, Json] => (entry[1] ?? null) !== null),
  );

/** The constructor arguments of a case as options: in camel case, without what is null. */
export const constructorOptions = (description: JsonObject): Record<string, Json> =>
  withoutNull(camelKeys(objectAt(description, "constructor")));

/** jax's checkpoint policies by our names; what it does not know keeps nothing. */
const POLICIES: Readonly<Record<string, string>> = {
  everything_saveable: "everything",
  dots_with_no_batch_dims_saveable: "dots",
};

/** Options with jax's policy of what to keep under our name for it. */
export const withPolicy = ({
  rematPolicy,
  ...options
}: Record<string, Json>): Record<string, Json> =>
  rematPolicy === undefined
    ? options
    : { ...options, rematPolicy: POLICIES[String(rematPolicy)] ?? "nothing" };

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
  const computed = { ...under(results, "out/"), ...firstElements(params, Object.keys(outputs)) };
  return { outputs: computed, grads: { "": under(results, "grads/") } };
}

/** What shows a formula of parameters: `formula_check/first8_of_root_kernel` begins the one that ends in root/kernel. */
function firstElements(params: Arrays, names: readonly string[]): Arrays {
  return Object.fromEntries(
    names.flatMap((name) => {
      const [, count, path, leaf] = /^formula_check\/first(\d+)_of_(\w+)_(\w+)$/.exec(name) ?? [];
      const from = Object.keys(params).find((other) => other.endsWith(`${path}/${leaf}`));
      if (from === undefined) return [];
      const first = toNumbers(params[from]).slice(0, Number(count));
      return [[name, fromNumbers(first, [first.length], "float32")] as const];
    }),
  );
}

const prefixed = (prefix: string, named: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(named).map(([name, tensor]) => [prefix + name, tensor]));
