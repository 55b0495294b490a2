/** @file What a model is. */

import type { Tensor } from "../graph/index.ts";
import type { Scope } from "../nn/index.ts";
import type { Tree } from "../tree.ts";

/** What a call is for (logits for a classifier), and every intermediate by name. */
export type ModelOutput = readonly [output: Tensor, out: Tree<Tensor>];

/** A model of images: a function of a scope and image [batch, height, width, channels]. */
export type ImageModel = (scope: Scope, image: Tensor) => ModelOutput;
