/** @file Embeddings of tokens. */

import { type DType, type Tensor, convert, take } from "../graph/index.ts";
import { type Initialiser, normal } from "./initialisers.ts";
import { layer } from "./scope.ts";

/** Options of {@link embed}. */
export interface EmbedOptions {
  readonly vocabulary: number;
  readonly width: number;
  /** Normal with deviation 1 / √width unless given, as in flax. */
  readonly init?: Initialiser;
  readonly dtype?: DType;
}

/** Rows of `embedding` [vocabulary, width] at integer tokens [...] → [..., width]. */
export const embed = layer(
  (
    scope,
    tokens: Tensor,
    { vocabulary, width, init = normal(1 / Math.sqrt(width)), dtype = "float32" }: EmbedOptions,
  ): Tensor => convert(take(scope.param("embedding", init, [vocabulary, width]), tokens), dtype),
);
