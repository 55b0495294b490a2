/** @file The initialising mode: a model's function runs over placeholders to tell what it owns, then that is drawn. */

import { OcelliError } from "../errors.ts";
import {
  type DType,
  type Shape,
  type Spec,
  Tensor,
  convert,
  indexAxis,
  sameShape,
  sizeOf,
  sliceAxis,
  vmap,
  withScope,
} from "../graph/index.ts";
import { type Tree, fromFlat, mapTree } from "../tree.ts";
import type { Initialiser } from "./initialisers.ts";
import { type Place, placeKeys } from "./keys.ts";
import { type LayerBody, type Scope, type Store, createScope } from "./scope.ts";

/** Tensors by path parts. */
export type Params = { readonly [name: string]: Tree<Tensor> };

/** Something a model owns: where, how it begins, and for a scanned stack how many layers of it there are. */
interface Owned {
  readonly place: Place;
  readonly init: Initialiser;
  /** Of one layer. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly depth: number | undefined;
}

/** Specs of parameters and variables by path parts. */
export interface ModelSpecs {
  readonly params: { readonly [name: string]: Tree<Spec> };
  readonly variables: { readonly [name: string]: Tree<Spec> };
  /** Names under which the parameters of several layers lie stacked. */
  readonly stacked: readonly string[];
}

class Recorder implements Store {
  readonly train = false;
  readonly params = new Map<string, Owned>();
  readonly variables = new Map<string, Owned>();
  readonly stacked: string[] = [];
  private depth: number | undefined;

  frozen(): boolean {
    return false;
  }

  param(place: Place, init: Initialiser, shape: Shape): Tensor {
    return this.record(this.params, place, init, shape, "float32");
  }

  variable(place: Place, init: Initialiser, shape: Shape, dtype: DType) {
    let value = this.record(this.variables, place, init, shape, dtype);
    return {
      get value() {
        return value;
      },
      set: (next: Tensor) => {
        value = next;
      },
    };
  }

  key(): Tensor {
    return new Tensor({ shape: [2], dtype: "uint32" });
  }

  scan(
    place: Place,
    depth: number,
    body: LayerBody,
    x: Tensor,
    own: readonly Tensor[],
  ): readonly [Tensor, Tree<Tensor>] {
    if (this.depth !== undefined || place.layer !== 0) {
      throw new OcelliError("unsupported", `${place.name}: a stack inside a stack is not scanned.`);
    }
    this.depth = depth;
    this.stacked.push(place.name);
    const parts = own.map(({ shape, dtype }) => new Tensor({ shape: shape.slice(1), dtype }));
    const [carry, out] = body(createScope(this, place), x, parts);
    this.depth = undefined;
    return [
      carry,
      mapTree(out, ({ shape, dtype }) => new Tensor({ shape: [depth, ...shape], dtype })),
    ];
  }

  private record(
    into: Map<string, Owned>,
    place: Place,
    init: Initialiser,
    shape: Shape,
    dtype: DType,
  ): Tensor {
    const known = into.get(place.name);
    if (known && !sameShape(known.shape, shape)) {
      throw new OcelliError(
        "shape",
        `${place.name} is used twice, as [${known.shape}] and as [${shape}].`,
      );
    }
    into.set(place.name, { place, init, shape, dtype, depth: this.depth });
    return new Tensor({ shape, dtype });
  }
}

function record<Inputs extends readonly unknown[]>(
  fn: (scope: Scope, ...inputs: Inputs) => unknown,
  inputs: readonly Tree<Spec>[],
): Recorder {
  const recorder = new Recorder();
  const placeholders = inputs.map((input) =>
    mapTree(input, ({ shape, dtype }) => new Tensor({ shape, dtype })),
  );
  fn(createScope(recorder), ...(placeholders as unknown as Inputs));
  return recorder;
}

const fullShape = ({ shape, depth }: Owned): Shape =>
  depth === undefined ? shape : [depth, ...shape];

/** The shapes and dtypes of what a model owns, without drawing any of it. */
export function modelSpecs<Inputs extends readonly unknown[]>(
  fn: (scope: Scope, ...inputs: Inputs) => unknown,
  ...inputs: readonly Tree<Spec>[]
): ModelSpecs {
  const { params, variables, stacked } = record(fn, inputs);
  const specs = (owned: Map<string, Owned>) =>
    fromFlat<Spec>(
      Object.fromEntries(
        [...owned].map(([name, it]) => [name, { shape: fullShape(it), dtype: it.dtype }]),
      ),
    );
  return { params: specs(params), variables: specs(variables), stacked };
}

/** The number of parameters of a model. */
export function countParameters<Inputs extends readonly unknown[]>(
  fn: (scope: Scope, ...inputs: Inputs) => unknown,
  ...inputs: readonly Tree<Spec>[]
): number {
  const { params } = record(fn, inputs);
  return [...params.values()].reduce((sum, owned) => sum + sizeOf(fullShape(owned)), 0);
}

/**
 * Initial parameters and variables of a model, as symbolic tensors: the initialisation is itself a program.
 * Every parameter draws from a key of its own name, so that adding one does not change the others.
 *
 * @param fn a function of a scope and inputs
 * @param key uint32[2]
 * @param inputs a tree of specs for each input
 */
export function initialise<Inputs extends readonly unknown[]>(
  fn: (scope: Scope, ...inputs: Inputs) => unknown,
  key: Tensor,
  ...inputs: readonly Tree<Spec>[]
): { params: Params; variables: Params } {
  const { params, variables } = record(fn, inputs);
  const values = draw(key, [...params.values(), ...variables.values()]);
  const names = [...params.keys()];
  return {
    params: fromFlat(Object.fromEntries(names.map((name, i) => [name, values[i]]))),
    variables: fromFlat(
      Object.fromEntries([...variables.keys()].map((name, i) => [name, values[names.length + i]])),
    ),
  };
}

/** Draws all that is owned; what shares distribution and shape is drawn together, which keeps the program small. */
function draw(key: Tensor, owned: readonly Owned[]): Tensor[] {
  const groups = new Map<string, Owned[]>();
  for (const it of owned) {
    const kind = `${it.init.name} ${it.dtype}[${it.shape}]`;
    groups.set(kind, [...(groups.get(kind) ?? []), it]);
  }
  const drawn = new Map<Owned, Tensor>();
  for (const [kind, members] of groups) {
    withScope(`init ${kind}`, () =>
      drawGroup(key, members).forEach((value, i) => drawn.set(members[i], value)),
    );
  }
  return owned.map((it) => drawn.get(it)!);
}

/** Draws parameters of one distribution and shape. */
function drawGroup(key: Tensor, members: readonly Owned[]): Tensor[] {
  const [{ init, shape, dtype }] = members;
  const places = members.flatMap(({ place: { stream, layer }, depth }) =>
    depth === undefined
      ? [{ stream, layer: layer as number }]
      : Array.from({ length: depth }, (_, i) => ({ stream, layer: i + 1 })),
  );
  const one = (k: Tensor): Tensor => convert(init.draw(k, shape), dtype);
  const rows = vmap(one)(placeKeys(key, places)); // [draws, ...shape]
  let from = 0;
  return members.map(({ depth }) => {
    const first = from;
    from += depth ?? 1;
    return depth === undefined ? indexAxis(rows, 0, first) : sliceAxis(rows, 0, first, from);
  });
}
