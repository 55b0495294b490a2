/** @file What a model is. */

import type { Tensor } from "../graph/index.ts";
import type { Scope } from "../nn/index.ts";
import type { Tree } from "../tree.ts";

/** What a call is for (logits for a classifier), and every intermediate by name. */
export type ModelOutput = readonly [output: Tensor, out: Tree<Tensor>];

/** Arrays of a batch by field. */
export type FieldArrays = Readonly<Record<string, Tensor>>;

/** A model of other fields than an image alone, such as texts: a function of a scope and arrays by field. */
export type FieldModel = (scope: Scope, fields: FieldArrays) => ModelOutput;

/** A model of images: a function of a scope and image [batch, height, width, channels]. */
export type ImageModel = (scope: Scope, image: Tensor) => ModelOutput;
