/** @file What a model that is ready to be used offers, wherever it comes from. */

import type { ArrayLike, DeviceArray, Engine } from "../engines/engine.ts";
import type { HostArray, Tensor } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import type { Batch } from "../objectives/index.ts";
import type { Preprocessing } from "../preprocess/pipeline.ts";
import type { Outputs, Task } from "../tasks/index.ts";
import type { Tokenizer } from "../text/index.ts";
import type { Tree } from "../tree.ts";

/**
 * A batch: `image` [batch, height, width, channels] after the host's part of the preprocessing, and what goes with it; or
 * fields without an image, such as `text`, of a model that knows them.
 */
export type ServedBatch<T> = Readonly<Record<string, T>>;

/** What a model reads texts by. */
export interface ServedTexts {
  readonly tokenizer: Tokenizer;
  /** Vectors of texts, float32 [texts, dim], each of length 1, in the space of those that the head `embed` gives of images. */
  embed(texts: readonly string[]): Promise<HostArray>;
}

/** A model that is ready to be used. It owns memory until it is disposed. */
export interface ServedModel {
  readonly card: ModelCard;
  readonly task: Task;
  readonly preprocessing: Preprocessing;
  /** The tokenizer of its card, where it has one. */
  readonly tokenizer?: Tokenizer;
  readonly engine: Engine;
  /** Absent where the model reads images alone. */
  readonly texts?: ServedTexts;
  /** A program of what the model computes of a batch, compiled at its first use. An exported model gives one head alone. */
  compile(
    look: (outputs: Outputs, batch: Batch) => Tree<Tensor>,
  ): (batch: ServedBatch<ArrayLike>) => Promise<Tree<DeviceArray>>;
  dispose(): Promise<void>;
}
