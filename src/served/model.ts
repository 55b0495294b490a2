/** @file What a model that is ready to be used offers, wherever it comes from. */

import type { ArrayLike, DeviceArray, Engine } from "../engines/engine.ts";
import type { Tensor } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import type { Batch } from "../objectives/index.ts";
import type { Preprocessing } from "../preprocess/pipeline.ts";
import type { Outputs, Task } from "../tasks/index.ts";
import type { Tokenizer } from "../text/index.ts";
import type { Tree } from "../tree.ts";

/** A batch: `image` [batch, height, width, channels] after the host's part of the preprocessing, and what goes with it. */
export type ServedBatch<T> = Readonly<Record<string, T>> & { readonly image: T };

/** A model that is ready to be used. It owns memory until it is disposed. */
export interface ServedModel {
  readonly card: ModelCard;
  readonly task: Task;
  readonly preprocessing: Preprocessing;
  /** The tokenizer of its card, where it has one. */
  readonly tokenizer?: Tokenizer;
  readonly engine: Engine;
  /** A program of what the model computes of a batch, compiled at its first use. An exported model gives one head alone. */
  compile(
    look: (outputs: Outputs, batch: Batch) => Tree<Tensor>,
  ): (batch: ServedBatch<ArrayLike>) => Promise<Tree<DeviceArray>>;
  dispose(): Promise<void>;
}
