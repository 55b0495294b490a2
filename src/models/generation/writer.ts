/** @file What a model offers that writes texts: what it reads once, and the scores of the next token. */

import type { Tensor } from "../../graph/index.ts";
import type { Scope } from "../../nn/index.ts";
import type { Tree } from "../../tree.ts";
import type { FieldArrays } from "../model.ts";

/** What a token is read with. */
export interface WriterStep {
  /** What {@link Writer.read} gave. */
  readonly read: Tree<Tensor>;
  /** Keys and values of the tokens before. */
  readonly caches: readonly Tensor[];
  /** The token before, int32 [rows]; 0 at the first place. */
  readonly token: Tensor;
  /** The place of the next token, from 0, an int32 scalar. */
  readonly position: Tensor;
}

/**
 * A model that writes texts. Each row is a text; an example may have several rows, which stand side by side: those of the
 * first example first.
 */
export interface Writer {
  /** The most tokens of a text. */
  readonly limit: number;
  /** The axis of the caches along which the rows lie. */
  readonly rowAxis: number;
  /** What is computed once for an example, [examples, …]. */
  read(scope: Scope, fields: FieldArrays): Tree<Tensor>;
  /** Caches before the first token. */
  caches(rows: number, length: number): Tensor[];
  /** Scores of the next token, float32 [rows, vocabulary], and the caches with the token before. */
  next(scope: Scope, step: WriterStep): { readonly scores: Tensor; readonly caches: Tensor[] };
}
