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

/** The parameter `embedding` [vocabulary, width]; the same table may score the tokens (tied weights). */
export const embeddingTable = layer(
  (scope, { vocabulary, width, init = normal(1 / Math.sqrt(width)) }: EmbedOptions): Tensor =>
    scope.param("embedding", init, [vocabulary, width]),
);

/** Rows of `embedding` [vocabulary, width] at integer tokens [...] → [..., width]. */
export const embed = layer(
  (scope, tokens: Tensor, { dtype = "float32", ...table }: EmbedOptions): Tensor =>
    convert(take(embeddingTable(scope, table), tokens), dtype),
);
