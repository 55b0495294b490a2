/** @file What a model is. */

import type { Tensor } from "../graph/index.ts";
import type { Scope } from "../nn/index.ts";
import type { Tree } from "../tree.ts";

/** What a call is for (logits for a classifier), and every intermediate by name. */
export type ModelOutput = readonly [output: Tensor, out: Tree<Tensor>];

/** A model of images: a function of a scope and image [batch, height, width, channels]. */
export type ImageModel = (scope: Scope, image: Tensor) => ModelOutput;

/** What a model computes of a batch of images, for heads and evaluators. */
export interface Outputs {
  /** What the model returns. */
  readonly output: Tensor;
  /** Its intermediate values by flat name; none of a model that only returns its output. */
  readonly out: Readonly<Record<string, Tensor>>;
}

/** A named function of a trained model, traced: [batch, …]. */
export type Head = (outputs: Outputs) => Tensor;
