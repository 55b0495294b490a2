/** @file Cases of models of several fields: outputs, named intermediates, and losses with their gradients. */

import type { Engine } from "../engines/engine.ts";
import { type Tensor, grad } from "../graph/index.ts";
import type { FieldModel } from "../models/index.ts";
import { apply } from "../nn/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import { type Arrays, type Case, inputOf, objectAt, under } from "./case.ts";
import type { Computed } from "./compare.ts";
import { compileNamed } from "./compute.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** How a case's arrays become a model's, and what is computed of its outputs. */
export interface FieldsCase {
  readonly model: FieldModel;
  /** Arrays of the model's fields. */
  readonly fields: Arrays;
  /** Further inputs, such as weights of a loss. */
  readonly beside?: Arrays;
  /** Further outputs by name. */
  readonly derive?: (
    out: Tensors,
    beside: Tensors,
    fields: Tensors,
  ) => Readonly<Record<string, Tensor | undefined>>;
  /** The outputs, scalars, that gradients were recorded of, by the suffix of their file. */
  readonly losses: Readonly<Record<string, string>>;
  /** Whether the call is a training step. Default: what `call_kwargs` says. */
  readonly train?: boolean;
}

/** The fields of a model among a case's inputs, under the names that the case may have for them. */
export const fieldsOf = (
  inputs: Arrays,
  names: Readonly<Record<string, string>>,
): Record<string, Arrays[string]> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([field, name]) =>
      Object.hasOwn(inputs, name) ? [[field, inputOf(inputs, name)] as const] : [],
    ),
  );

const isMade = (entry: [string, Tensor | undefined]): entry is [string, Tensor] =>
  entry[1] !== undefined;

/** Outputs of one call and, for each loss, its gradients with respect to every parameter. */
export async function computeFields(
  { params, description, grads }: Case,
  engine: Engine,
  { model, fields, beside = {}, derive = () => ({}), losses, train }: FieldsCase,
): Promise<Computed> {
  const isTraining = train ?? objectAt(description, "call_kwargs").train === true;
  const wanted = Object.entries(losses).filter(([suffix]) => Object.hasOwn(grads, suffix));
  const run = compileNamed(engine, (flat, given, more, { key }) => {
    const call = (moved: Tree<Tensor>): Tensors => {
      const { result } = apply(model, { params: moved, train: isTraining, key }, given);
      const [output, out] = result;
      const named = { ...toFlat<Tensor>(out), output };
      const derived = Object.entries(derive(named, more, given));
      return { ...named, ...Object.fromEntries(derived.filter(isMade)) };
    };
    const tree = fromFlat<Tensor>(flat);
    const gradients = wanted.flatMap(([suffix, name]) => {
      const d = grad((moved: Tree<Tensor>) => call(moved)[name])(tree);
      return Object.entries(toFlat<Tensor>(d)).map(
        ([leaf, tensor]) => [`grads${suffix}/${leaf}`, tensor] as const,
      );
    });
    const outputs = Object.entries(call(tree)).map(
      ([name, tensor]) => [`out/${name}`, tensor] as const,
    );
    return Object.fromEntries([...outputs, ...gradients]);
  });
  const key = { shape: [2], dtype: "uint32", data: new Uint32Array(2) } as const;
  const results = await run(params, fields, beside, { key });
  return {
    outputs: under(results, "out/"),
    grads: Object.fromEntries(
      wanted.map(([suffix]) => [suffix, under(results, `grads${suffix}/`)]),
    ),
  };
}
