/** @file The language's nouns: symbolic tensors, the equations that make them, and what a primitive is. */

import { OcelliError } from "../errors.ts";
import { callerLine } from "./caller.ts";
import { type DType, type HostArray, type Shape, sizeOf } from "./dtype.ts";
import type { Value } from "./values.ts";

/** A shape and an element type: all that a rule may know of a tensor. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** An immutable symbolic array: its shape, its dtype, and the equation that makes it (none for an input). */
export class Tensor implements Spec {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly equation: Equation | undefined;
  /** Which output of its equation this is. */
  readonly index: number;

  constructor(spec: Spec, equation?: Equation, index = 0) {
    this.shape = spec.shape;
    this.dtype = spec.dtype;
    this.equation = equation;
    this.index = index;
  }

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  toString(): string {
    return `${this.dtype}[${this.shape.join(",")}]`;
  }
}

/** One application of a primitive. Ids grow with creation, so ascending ids are a topological order. */
export interface Equation {
  readonly id: number;
  readonly primitive: Primitive;
  readonly inputs: readonly Tensor[];
  readonly attrs: Attrs;
  /** Grows only by residuals that a gradient asks for ({@link extendEquation}); existing outputs never change. */
  readonly outputs: readonly Tensor[];
  /** The name scope it was made in, such as `Transformer/encoderblock_0`. */
  readonly scope: string;
}

/** Static arguments of an equation; each primitive narrows them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Attrs = any;

/** What a gradient rule sees of its equation. */
export interface GradientContext<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: A;
  /** Which inputs want a cotangent. */
  readonly needs: readonly boolean[];
  readonly equation: Equation;
}

/** A cotangent, or null for a symbolic zero. */
export type Cotangent = Tensor | null;

/** What a batching rule sees: batched inputs carry the batch axis first. */
export interface BatchContext<A> {
  readonly inputs: readonly Tensor[];
  readonly batched: readonly boolean[];
  readonly attrs: A;
  /** The extent of the batch axis. */
  readonly size: number;
}

/**
 * A primitive in one object: its rules for shapes, gradients, batching, cost and interpretation.
 * Engines hold one lowering each beside it.
 */
export interface Primitive<N extends string = string, A = Attrs> {
  readonly name: N;
  /** Output specs from input specs; throws a shape or dtype error (see {@link shapeError}). */
  infer(inputs: readonly Spec[], attrs: A): Spec[];
  /** Cotangents of the inputs from those of the outputs; "none" where every derivative is zero; a string refuses and says why. */
  readonly gradient:
    | ((context: GradientContext<A>, cotangents: readonly Cotangent[]) => readonly Cotangent[])
    | "none"
    | { readonly refuse: string };
  /** Outputs over a leading batch axis; every output is batched. */
  batch(context: BatchContext<A>): readonly Tensor[];
  /** Reference semantics in plain TypeScript. */
  interpret(inputs: readonly Value[], attrs: A): Value[];
  /** Floating-point operations (default: one per output element). */
  flops?(inputs: readonly Spec[], outputs: readonly Spec[], attrs: A): number;
  /** The same in other operations, for engines without a lowering of their own. */
  decompose?(inputs: readonly Tensor[], attrs: A): readonly Tensor[];
  /** Whether the simplifier must leave it alone (barriers, prints). */
  readonly opaque?: boolean;
  /**
   * The first output that may be left out when nobody reads it; from there on, and where this is given at all,
   * outputs stand in the order of the outputs of the attributes' programs.
   */
  optionalOutputs?(attrs: A): number;
}

/** A primitive that an engine need not know: it has a decomposition. */
export type DecomposedPrimitive<N extends string = string, A = Attrs> = Primitive<N, A> &
  Required<Pick<Primitive<N, A>, "decompose">>;

let nextId = 0;
let currentScope = "";

/** The id that the next equation will get: equations made from now on have ids at or above it. */
export const equationMark = (): number => nextId;

/** Runs `fn` with equations labelled by a name scope (for messages, printing and profiles). */
export function withScope<T>(scope: string, fn: () => T): T {
  const outer = currentScope;
  currentScope = scope;
  try {
    return fn();
  } finally {
    currentScope = outer;
  }
}

/** Applies a primitive to tensors: infers, records an equation, returns its outputs. */
export function emit<A>(
  primitive: Primitive<string, A>,
  inputs: readonly Tensor[],
  attrs: A,
): Tensor[] {
  const specs = primitive.infer(inputs, attrs);
  const outputs: Tensor[] = [];
  const equation: Equation = {
    id: nextId++,
    primitive: primitive as Primitive,
    inputs: inputs.slice(), // the caller may go on filling its list
    attrs,
    outputs,
    scope: currentScope,
  };
  for (let i = 0; i < specs.length; i++) outputs.push(new Tensor(specs[i], equation, i));
  return outputs.slice(); // the caller's own: rules take results off the front
}

/** Applies a primitive with one output. */
export const emitOne = <A>(
  primitive: Primitive<string, A>,
  inputs: readonly Tensor[],
  attrs: A,
): Tensor => emit(primitive, inputs, attrs)[0];

/**
 * Gives an equation further outputs (residuals for a gradient) and the attributes that make them.
 * Readers of the old outputs notice nothing; unused residuals are removed by the simplifier.
 */
export function extendEquation(equation: Equation, attrs: Attrs, specs: readonly Spec[]): Tensor[] {
  const mutable = equation as unknown as { attrs: Attrs; outputs: Tensor[] };
  const added = specs.map((spec, i) => new Tensor(spec, equation, mutable.outputs.length + i));
  mutable.attrs = attrs;
  mutable.outputs.push(...added);
  return added;
}

/** A shape error that names the operation, the shapes, the scope and the caller's line. */
export function shapeError(
  operation: string,
  inputs: readonly Spec[],
  problem: string,
): OcelliError {
  return operationError("shape", operation, inputs, problem);
}

/** A dtype error that names the operation, the operands, the scope and the caller's line. */
export function dtypeError(
  operation: string,
  inputs: readonly Spec[],
  problem: string,
): OcelliError {
  return operationError("dtype", operation, inputs, problem);
}

/** The error where a gradient is asked of an operation that has none; as {@link shapeError} otherwise. */
export function gradientError(
  operation: string,
  inputs: readonly Spec[],
  problem: string,
): OcelliError {
  return operationError("not-differentiable", operation, inputs, problem);
}

function operationError(
  code: "shape" | "dtype" | "not-differentiable",
  operation: string,
  inputs: readonly Spec[],
  problem: string,
): OcelliError {
  const operands = inputs.map(({ dtype, shape }) => `${dtype}[${shape.join(",")}]`).join(", ");
  const where = [currentScope && `in scope ${currentScope}`, callerLine()].filter(Boolean);
  const place = where.length ? ` (${where.join(", ")})` : "";
  return new OcelliError(code, `${operation}(${operands}): ${problem}${place}`, {
    given: inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  });
}

/** The spec of a tensor or host array alone. */
export const specOf = ({ shape, dtype }: Spec | HostArray): Spec => ({ shape, dtype });
