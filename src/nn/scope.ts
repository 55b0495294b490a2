/** @file Scopes: a layer is one function that creates and uses what it owns, by name. */

import { type DType, type Shape, type Tensor, withScope } from "../graph/index.ts";
import type { Tree } from "../tree.ts";
import type { Initialiser } from "./initialisers.ts";
import { type Place, ROOT, child } from "./keys.ts";

/** How a dense layer contracts: over trailing axes of its input. */
export interface Contraction {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly dtype: DType;
}

/** What is added to a dense layer's product of x [..., inputs…], [..., outputs…]; undefined where it is nothing. */
export type DenseAddend = (scope: Scope, x: Tensor, contraction: Contraction) => Tensor | undefined;

/** What a model keeps beside its parameters (statistics, codebooks): read it, and set its next value. */
export interface Variable {
  readonly value: Tensor;
  set(next: Tensor): void;
}

/** The place of a layer in a model, and its hold on what it owns there. */
export interface Scope {
  /** The path parts joined by "/"; "" at the root. */
  readonly path: string;
  /** Whether the call is a training step (dropout is on, statistics move). */
  readonly train: boolean;
  /** What is added to the products of dense layers, such as by adapters; nothing where absent. */
  readonly addend?: DenseAddend;
  /** Whether a parameter of this layer, or a stack of them, stays as it is in this training. */
  frozen(name: string): boolean;
  /** The scope of a part; an index makes it one layer of a stack: `at("encoderblock", 3)` is `encoderblock_3`. */
  at(name: string, index?: number): Scope;
  /** A float32 parameter of this layer. */
  param(name: string, init: Initialiser, shape: Shape): Tensor;
  /** A variable of this layer (float32 unless said). */
  variable(name: string, init: Initialiser, shape: Shape, dtype?: DType): Variable;
  /** A random key of this call, of its own for every name and layer. */
  key(name: string): Tensor;
  /**
   * A stack of equal layers as one scan: its parameters and variables lie stacked along a leading axis of extent
   * `depth` under one name, and each layer draws what `at(name, index)` would draw for it.
   *
   * @param own arrays [depth, …], of which each layer gets its own part
   * @returns what flows out, and the intermediates stacked along a leading axis
   */
  scan(
    name: string,
    depth: number,
    body: LayerBody,
    x: Tensor,
    own?: readonly Tensor[],
  ): readonly [Tensor, Tree<Tensor>];
}

/** One layer of a stack: from what flows through the stack to the same, and intermediates by name. */
export type LayerBody = (
  scope: Scope,
  x: Tensor,
  own?: readonly Tensor[],
) => readonly [Tensor, Tree<Tensor>];

/** How a mode (initialising or applying) answers what layers ask of their scopes. */
export interface Store {
  readonly train: boolean;
  frozen(place: Place): boolean;
  param(place: Place, init: Initialiser, shape: Shape): Tensor;
  variable(place: Place, init: Initialiser, shape: Shape, dtype: DType): Variable;
  key(place: Place): Tensor;
  scan(
    place: Place,
    depth: number,
    body: LayerBody,
    x: Tensor,
    own: readonly Tensor[],
  ): readonly [Tensor, Tree<Tensor>];
}

/** A scope over a store. */
export const createScope = (store: Store, place: Place = ROOT): Scope => ({
  path: place.name,
  train: store.train,
  frozen: (name) => store.frozen(child(place, name)),
  at: (name, index) => createScope(store, child(place, name, index)),
  param: (name, init, shape) => store.param(child(place, name), init, shape),
  variable: (name, init, shape, dtype = "float32") =>
    store.variable(child(place, name), init, shape, dtype),
  key: (name) => store.key(child(place, name)),
  scan: (name, depth, body, x, own = []) => store.scan(child(place, name), depth, body, x, own),
});

/**
 * A layer: a function of a scope, whose equations carry the scope's name in messages and profiles.
 *
 * @example
 * const twice = layer((scope, x: Tensor) => dense(scope.at("Dense_1"), dense(scope.at("Dense_0"), x, 8), 8));
 */
export const layer =
  <Args extends readonly unknown[], R>(fn: (scope: Scope, ...args: Args) => R) =>
  (scope: Scope, ...args: Args): R =>
    withScope(scope.path, () => fn(scope, ...args));
