/** @file The tokenizer in the options of a task, and so in the card of its model: a vocabulary's file and how texts are read. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import type { TaskChoice } from "../models/index.ts";
import { tokenizerCardSchema } from "../text/card.ts";

/**
 * The option `tokenizer` of a task that reads texts. Examples' texts become rows of ids by it after the preprocessing,
 * in training, evaluation and use alike; the card keeps it.
 */
export const tokenizerKey = z.strictObject({
  /**
   * The vocabulary's file.
   *
   * @example "spiece.model"
   */
  file: z.string(),
  ...tokenizerCardSchema.shape,
  /** The checksum of the file's bytes, which another file under the same name does not have. Default: not checked. */
  sha256: z.string().optional(),
});

/** A vocabulary's file and how texts are read by it. */
export type TokenizerChoice = z.output<typeof tokenizerKey>;

/** The tokenizer of a task, of a configuration or of a card; undefined where it has none, or none that is valid. */
export const tokenizerOf = ({ tokenizer }: TaskChoice): TokenizerChoice | undefined =>
  tokenizerKey.safeParse(tokenizer).data;

/** The tokenizer of a task that cannot do without; a configuration error where it has none. */
export function neededTokenizer(name: string, task: TaskChoice): TokenizerChoice {
  const tokenizer = tokenizerOf(task);
  if (tokenizer) return tokenizer;
  throw new OcelliError("config", `the task ${name} needs a tokenizer.`, {
    hint: 'Say task.tokenizer, such as { file: "spiece.model", kind: "sentencepiece", … }.',
  });
}
