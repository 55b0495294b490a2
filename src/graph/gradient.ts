/** @file Reverse-mode differentiation over symbolic tensors, one rule per primitive. */

import { type Tree, flatten, unflatten } from "../tree.ts";
import { isFloat, sameShape } from "./dtype.ts";
import { add } from "./ops/arithmetic.ts";
import { ones, zerosLike } from "./ops/constant.ts";
import { convert } from "./ops/select.ts";
import { alias } from "./ops/shape.ts";
import { collect } from "./program.ts";
import {
  type Attrs,
  type Cotangent,
  type Equation,
  type GradientContext,
  Tensor,
  equationMark,
  gradientError,
  shapeError,
  withScope,
} from "./tensor.ts";

/**
 * Cotangents of `inputs`, given those of `outputs`: the vector-Jacobian product.
 * Only equations that depend on the inputs are visited; null stands for zero.
 *
 * @param outside equations not to be entered (they count as constants)
 */
export function pullBack(
  outputs: readonly Tensor[],
  cotangents: readonly Cotangent[],
  inputs: readonly Tensor[],
  outside?: (equation: Equation) => boolean,
): Cotangent[] {
  const sources = new Set(inputs);
  const live = outputs.filter((output, i) => cotangents[i] && isFloat(output.dtype));
  const { equations } = collect(live, sources, outside);
  const active = new Set<Tensor>(inputs.filter(({ dtype }) => isFloat(dtype)));
  const visited = equations.filter((equation) => activate(equation, active));
  const sums = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, d: Cotangent): void => {
    if (!d || !active.has(tensor)) return;
    const sum = sums.get(tensor);
    sums.set(tensor, sum ? add(sum, d) : d);
  };
  outputs.forEach((output, i) => accumulate(output, cotangents[i]));
  for (const equation of visited.reverse()) {
    const ds = equation.outputs.map((output) => sums.get(output) ?? null);
    if (ds.some(Boolean)) applyRule(equation, ds, active, accumulate);
  }
  return inputs.map((input) => sums.get(input) ?? null);
}

/** Marks an equation's float outputs active when an input is; false where nothing flows. */
function activate(equation: Equation, active: Set<Tensor>): boolean {
  if (equation.primitive.gradient === "none") return false;
  if (!equation.inputs.some((input) => active.has(input))) return false;
  for (const output of equation.outputs) if (isFloat(output.dtype)) active.add(output);
  return true;
}

function applyRule(
  equation: Equation,
  cotangents: readonly Cotangent[],
  active: ReadonlySet<Tensor>,
  accumulate: (tensor: Tensor, d: Cotangent) => void,
): void {
  const { primitive, inputs, outputs, attrs, scope } = equation;
  const rule = primitive.gradient;
  if (rule === "none") return;
  const needs = inputs.map((input) => active.has(input));
  const context: GradientContext<Attrs> = {
    inputs,
    outputs,
    attrs: attrs as Attrs,
    needs,
    equation,
  };
  withScope(scope, () => {
    if (typeof rule !== "function") throw gradientError(primitive.name, inputs, rule.refuse);
    rule(context, cotangents).forEach((d, i) => accumulate(inputs[i], d));
  });
}

/** What {@link valueAndGrad} returns with auxiliary output. */
export type ValueAuxGrad<P, Aux> = { value: Tensor; aux: Aux; grads: P };

/**
 * The value of a scalar function and its gradient with respect to the first argument, a tree of tensors.
 * The function returns a float scalar, or `[scalar, auxiliary]`.
 *
 * @example
 * const { value, grads } = valueAndGrad((x: Tensor) => reduceSum(mul(x, x)))(x); // grads = 2x
 */
export function valueAndGrad<
  P extends Tree<Tensor>,
  Rest extends readonly unknown[],
  Aux = undefined,
>(
  fn: (params: P, ...rest: Rest) => Tensor | readonly [Tensor, Aux],
): (params: P, ...rest: Rest) => ValueAuxGrad<P, Aux> {
  return (params, ...rest) => {
    const { leaves, structure } = flatten<Tensor>(params);
    const mark = equationMark();
    const inputs = leaves.map(alias); // identities of their own, so that repeated leaves stay apart
    const result = fn(unflatten(structure, inputs) as P, ...rest);
    const [value, aux] = result instanceof Tensor ? [result, undefined] : result;
    if (value.rank !== 0 || !isFloat(value.dtype)) {
      throw shapeError("grad", [value], "the function must return a float scalar");
    }
    const seed = ones([], value.dtype);
    const outside = ({ id }: Equation): boolean => id < mark;
    const cotangents = pullBack([value], [seed], inputs, outside);
    const grads = cotangents.map((d, i) => d ?? zerosLike(leaves[i]));
    return { value, aux: aux as Aux, grads: unflatten(structure, grads) as P };
  };
}

/**
 * The gradient of a scalar function with respect to its first argument.
 *
 * @example
 * const second = grad((x: Tensor) => reduceSum(grad(f)(x)));
 */
export const grad =
  <P extends Tree<Tensor>, Rest extends readonly unknown[]>(
    fn: (params: P, ...rest: Rest) => Tensor,
  ) =>
  (params: P, ...rest: Rest): P =>
    valueAndGrad(fn)(params, ...rest).grads;

/** A function's outputs and its pullback (cotangents of outputs → cotangents of inputs). */
export function vjp(
  fn: (...args: Tensor[]) => readonly Tensor[],
  ...args: Tensor[]
): { outputs: readonly Tensor[]; pullback: (cotangents: readonly Cotangent[]) => Tensor[] } {
  const mark = equationMark();
  const inputs = args.map(alias);
  const outputs = fn(...inputs);
  const outside = ({ id }: Equation): boolean => id < mark;
  return {
    outputs,
    pullback: (cotangents) => {
      const fits = outputs.every(
        (y, i) => !cotangents[i] || sameShape(y.shape, cotangents[i].shape),
      );
      if (!fits || cotangents.length !== outputs.length) {
        const given = cotangents.map((d) => String(d ?? "null")).join(", ");
        throw shapeError(
          "vjp",
          outputs,
          `cotangents must match these outputs, not ${given || "nothing"}`,
        );
      }
      const cast = cotangents.map((d, i) => d && convert(d, outputs[i].dtype));
      return pullBack(outputs, cast, inputs, outside).map((d, i) => d ?? zerosLike(args[i]));
    },
  };
}
