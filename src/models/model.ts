/** @file What a model is. */

import type { Tensor } from "../graph/index.ts";
import type { Scope } from "../nn/index.ts";
import type { GenerationOptions } from "./generation/options.ts";
import type { Tree } from "../tree.ts";

/** What a call is for (logits for a classifier), and every intermediate by name. */
export type ModelOutput = readonly [output: Tensor, out: Tree<Tensor>];

/** Arrays of a batch by field. */
export type FieldArrays = Readonly<Record<string, Tensor>>;

/** A model of other fields than an image alone, such as texts: a function of a scope and arrays by field. */
export type FieldModel = (scope: Scope, fields: FieldArrays) => ModelOutput;

/** What of an image a model of patches sees, where that is not all. */
export interface ImageCall {
  /** The places of the patches that are seen, int32 [batch, kept]; the others are left out. */
  readonly kept?: Tensor;
  /** 1 where a learned token stands for a patch, [batch, patches]. */
  readonly hidden?: Tensor;
}

/**
 * A model of images: a function of a scope and image [batch, height, width, channels]. One that can hide patches takes which,
 * and then has `seen` in its intermediates, [batch, tokens, width].
 */
export type ImageModel = (scope: Scope, image: Tensor, call?: ImageCall) => ModelOutput;

/** What a model computes of a batch of images, for heads and evaluators. */
export interface Outputs {
  /** What the model returns. */
  readonly output: Tensor;
  /** Its intermediate values by flat name; none of a model that only returns its output. */
  readonly out: Readonly<Record<string, Tensor>>;
  /** Texts that the model writes about the batch, int32 [batch, length]; absent where its task writes none. */
  readonly write?: (options?: GenerationOptions) => Tensor;
}

/** A named function of a trained model, traced: [batch, …]. */
export type Head = (outputs: Outputs) => Tensor;
