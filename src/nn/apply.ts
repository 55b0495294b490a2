/** @file The applying mode: a model's function runs over given parameters; what does not fit is told by name. */

import { OcelliError, nearestNames } from "../errors.ts";
import {
  type DType,
  type SavePolicy,
  type Shape,
  Tensor,
  add,
  arange,
  remat,
  sameShape,
  scan,
} from "../graph/index.ts";
import { type Tree, flatten, fromFlat, toFlat, unflatten } from "../tree.ts";
import type { Params } from "./initialise.ts";
import type { Initialiser } from "./initialisers.ts";
import { type Place, placeKey } from "./keys.ts";
import { type LayerBody, type Scope, type Store, type Variable, createScope } from "./scope.ts";

/** What {@link apply} takes beside the inputs. */
export interface ApplyOptions {
  readonly params: Tree<Tensor>;
  readonly variables?: Tree<Tensor>;
  /** For dropout and the like; needed where a layer asks for randomness. */
  readonly key?: Tensor;
  /** Whether this is a training step; false unless said. */
  readonly train?: boolean;
  /** Whether a parameter, by its whole name, stays as it is in this training; none does unless said. */
  readonly isFrozen?: (name: string) => boolean;
}

type Flat = Readonly<Record<string, Tensor>>;

/** What does not fit between a model and what it is given, gathered over a whole call. */
class Fit {
  readonly used = new Set<string>();
  private readonly missing: string[] = [];
  private readonly different: string[] = [];

  /** The given tensor, or a placeholder that lets the call go on to the other mismatches. */
  take(given: Flat, name: string, shape: Shape, dtype: DType): Tensor {
    this.used.add(name);
    const tensor = Object.hasOwn(given, name) ? given[name] : undefined;
    if (tensor && tensor.dtype === dtype && sameShape(tensor.shape, shape)) return tensor;
    if (tensor) this.mismatch(name, shape, dtype, tensor);
    else this.missing.push(name);
    return new Tensor({ shape, dtype });
  }

  mismatch(name: string, shape: Shape, dtype: DType, given: Tensor): void {
    const line = `${name} is ${dtype}[${shape}] in the model but ${given} is given`;
    if (!this.different.includes(line)) this.different.push(line);
  }

  /** Throws one error that lists every mismatch; `names` are all that is given. */
  check(names: readonly string[]): void {
    const extra = names.filter((name) => !this.used.has(name));
    const list = (items: readonly string[]): string =>
      items.slice(0, 4).join(", ") + (items.length > 4 ? ` and ${items.length - 4} more` : "");
    const missing = [...new Set(this.missing)];
    const parts = [
      this.different.length > 0 ? list(this.different) : "",
      missing.length > 0 ? `missing: ${list(missing)}` : "",
      extra.length > 0 ? `not in the model: ${list(extra)}` : "",
    ].filter(Boolean);
    if (parts.length === 0) return;
    throw new OcelliError(
      this.different.length > 0 ? "shape" : "name",
      `the parameters do not fit the model: ${parts.join("; ")}.`,
      {
        given: [...extra, ...this.different],
        valid: extra.length > 0 ? nearestNames(extra[0], missing) : missing,
      },
    );
  }
}

/** Parameters and variables of a call, or of one layer of a scan. */
class Given implements Store {
  readonly train: boolean;
  private readonly params: Flat;
  private readonly variables: Record<string, Tensor>;
  private readonly modelKey: Tensor | undefined;
  private readonly isFrozen: (name: string) => boolean;
  private readonly fit: Fit;

  constructor(
    params: Flat,
    variables: Record<string, Tensor>,
    key: Tensor | undefined,
    train: boolean,
    isFrozen: (name: string) => boolean,
    fit: Fit,
  ) {
    this.params = params;
    this.variables = variables;
    this.modelKey = key;
    this.train = train;
    this.isFrozen = isFrozen;
    this.fit = fit;
  }

  frozen({ name }: Place): boolean {
    return this.isFrozen(name);
  }

  param({ name }: Place, _init: Initialiser, shape: Shape): Tensor {
    return this.fit.take(this.params, name, shape, "float32");
  }

  variable({ name }: Place, _init: Initialiser, shape: Shape, dtype: DType): Variable {
    const { variables } = this;
    variables[name] = this.fit.take(variables, name, shape, dtype);
    return {
      get value() {
        return variables[name];
      },
      set(next) {
        if (next.dtype !== dtype || !sameShape(next.shape, shape)) {
          throw new OcelliError(
            "shape",
            `the variable ${name} is ${dtype}[${shape}], not ${next}.`,
          );
        }
        variables[name] = next;
      },
    };
  }

  key(place: Place): Tensor {
    if (!this.modelKey) {
      throw new OcelliError("argument", `${place.name} needs randomness: pass a key to apply.`);
    }
    return placeKey(this.modelKey, place);
  }

  scan(
    place: Place,
    depth: number,
    body: LayerBody,
    x: Tensor,
    own: readonly Tensor[],
  ): readonly [Tensor, Tree<Tensor>] {
    const params = this.stacks(this.params, place, depth);
    const variables = this.stacks(this.variables, place, depth);
    const index = this.modelKey ? [add(arange(depth, "uint32"), 1)] : [];
    let structure: ReturnType<typeof flatten>["structure"] | undefined;
    const { carry, ys } = scan(
      ([state], rows) => {
        const parts = rows.slice();
        const take = (names: readonly string[]): Record<string, Tensor> =>
          Object.fromEntries(names.map((name) => [name, parts.shift()!]));
        const layerParams = take(Object.keys(params));
        const layerVariables = take(Object.keys(variables));
        const { modelKey, train, isFrozen, fit } = this;
        const store = new Given(layerParams, layerVariables, modelKey, train, isFrozen, fit);
        const ownParts = parts.splice(0, own.length);
        const inner = createScope(store, { ...place, layer: parts[0] ?? 0 });
        const [next, out] = body(inner, state, ownParts);
        const flat = flatten<Tensor>(out);
        structure = flat.structure;
        const updated = Object.keys(variables).map((name) => layerVariables[name]);
        return { carry: [next], ys: [...updated, ...flat.leaves] };
      },
      [x],
      [...Object.values(params), ...Object.values(variables), ...own, ...index],
      { length: depth },
    );
    Object.keys(variables).forEach((name, i) => {
      this.variables[name] = ys[i];
    });
    return [carry[0], unflatten(structure!, ys.slice(Object.keys(variables).length))];
  }

  /** What is given for a stack, each with `depth` layers along its leading axis. */
  private stacks(given: Flat, { name }: Place, depth: number): Flat {
    const members = Object.entries(given).filter(([key]) => key.startsWith(`${name}/`));
    return Object.fromEntries(
      members.map(([key, tensor]) => {
        if (tensor.shape[0] === depth) return [key, tensor];
        const shape = [depth, ...tensor.shape.slice(1)];
        this.fit.mismatch(key, shape, tensor.dtype, tensor);
        return [key, new Tensor({ shape, dtype: tensor.dtype })];
      }),
    );
  }
}

/**
 * Runs a model's function over given parameters. Every parameter must be used and every used one given:
 * one error lists all that is missing, left over or of another shape.
 *
 * @returns what the function returns, and the variables after the call
 * @example
 * const { result } = apply((scope, x: Tensor) => dense(scope, x, 10), { params }, x);
 */
export function apply<Inputs extends readonly unknown[], R>(
  fn: (scope: Scope, ...inputs: Inputs) => R,
  { params, variables = {}, key, train = false, isFrozen = () => false }: ApplyOptions,
  ...inputs: Inputs
): { result: R; variables: Params } {
  const fit = new Fit();
  const givenParams = toFlat(params);
  const state = { ...toFlat(variables) };
  const names = [...Object.keys(givenParams), ...Object.keys(state)];
  const store = new Given(givenParams, state, key, train, isFrozen, fit);
  const result = fn(createScope(store), ...inputs);
  fit.check(names);
  return { result, variables: fromFlat(state) };
}

/** A layer whose intermediate values are recomputed in the backward pass instead of kept. */
export const rematLayer =
  (body: LayerBody, save: SavePolicy): LayerBody =>
  (scope, x, own) => {
    let structure: ReturnType<typeof flatten>["structure"] | undefined;
    const [next, ...leaves] = remat((inner) => {
      const [result, out] = body(scope, inner, own);
      const flat = flatten<Tensor>(out);
      structure = flat.structure;
      return [result, ...flat.leaves];
    }, save)(x);
    return [next, unflatten(structure!, leaves)];
  };
