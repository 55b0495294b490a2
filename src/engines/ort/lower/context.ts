/** @file What lowerings share: their signature, the context they write to, and the dtypes that carry values. */

import type { DType, Shape } from "../../../graph/dtype.ts";
import type { AttrsOf, PrimitiveName } from "../../../graph/ops/index.ts";
import type { Program } from "../../../graph/program.ts";
import type { Equation, Tensor } from "../../../graph/tensor.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Dense, View } from "./view.ts";

/** A value that the program prints when it runs. */
export interface Print {
  readonly label: string;
  readonly view: View;
  readonly dtype: DType;
}

/** Where lowerings write, and what they may ask. */
export interface LoweringContext {
  readonly builder: GraphBuilder;
  /** Only operators of the ONNX standard. */
  readonly portable: boolean;
  /** Whether ONNX Runtime's WebGPU kernels compute the graph: some operators are incomplete there. */
  readonly gpu: boolean;
  /** The most bytes of an array that an operator can see in one piece. */
  readonly maxStorageBytes: number;
  /** Whether products of stacks may have transposed operands and a factor (`FusedMatMul`). */
  readonly fusesProducts: boolean;
  /** Whether anything reads a tensor; unread outputs need not be made. */
  isUsed(tensor: Tensor): boolean;
  /** Lowers a program that was written for this graph's sake, such as a decomposition. */
  inlineMade(program: Program, inputs: readonly View[]): View[];
  /** Lowers a program into this graph. */
  inline(program: Program, inputs: readonly View[]): View[];
  /** A context for the graph of a branch or a loop's body. */
  nested(): LoweringContext;
  print(print: Print): void;
}

/** Turns one application of a primitive into ONNX nodes. Outputs that nobody reads may be left out. */
export type Lowering<A> = (
  context: LoweringContext,
  inputs: readonly View[],
  attrs: A,
  equation: Equation,
) => readonly (View | undefined)[];

/** A lowering for each of some primitives. */
export type Lowerings<N extends PrimitiveName> = { readonly [K in N]: Lowering<AttrsOf<K>> };

/**
 * The ONNX type in which a program's values travel. Half-width floats travel as float32 and are rounded after every
 * operation, as the interpreter does it: ONNX Runtime's CPU kernels hardly know them.
 */
export const carrierOf = (dtype: DType): DType =>
  dtype === "bfloat16" || dtype === "float16" ? "float32" : dtype;

/** A view rounded to what a half-width float can hold; other views as they are. */
export function rounded(builder: GraphBuilder, view: View, dtype: DType): View {
  if (dtype !== "bfloat16" && dtype !== "float16") return view;
  const dense = builder.cast(
    builder.cast(builder.scaled(view.dense, view.scale), dtype),
    "float32",
  );
  return { ...view, dense, scale: 1 };
}

/** A value nobody can read: it has no elements. */
export const emptyView = (shape: Shape, dtype: DType): View => {
  const dense: Dense = { name: "", shape, dtype };
  return { dense, shape, strides: shape.map(() => 0), scale: 1 };
};
