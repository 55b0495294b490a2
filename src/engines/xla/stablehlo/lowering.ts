/** @file What a lowering is: one primitive's operations. */

import type { Program } from "../../../graph/program.ts";
import type { Spec } from "../../../graph/tensor.ts";
import type { Builder, Value } from "./builder.ts";

/** What a lowering sees of its equation. */
export interface LoweringContext<A> {
  readonly b: Builder;
  readonly inputs: readonly Value[];
  /** The results that the primitive's shape rule promises. */
  readonly outputs: readonly Spec[];
  readonly attrs: A;
  /** Writes the primitive's decomposition, where it has one. */
  readonly decomposed: () => Value[];
  /** Writes a sub-program in place. */
  readonly inline: (program: Program, inputs: readonly Value[]) => Value[];
}

/** Writes the operations of one equation; returns a value for each output. */
export type Lowering<A> = (context: LoweringContext<A>) => readonly Value[];
