/** @file Tokenizers of tasks: opened from their files, and put behind a preprocessing. */

import { createHash } from "node:crypto";
import type { Config } from "../config/config.ts";
import { readDataFile } from "../data/files/files.ts";
import { OcelliError } from "../errors.ts";
import { hostArray } from "../graph/index.ts";
import type { ModelCard, TaskChoice } from "../models/index.ts";
import { decodeTexts } from "../preprocess/example.ts";
import type { Preprocessing } from "../preprocess/pipeline.ts";
import { type TokenizerChoice, tokenizerKey, tokenizerOf } from "../tasks/index.ts";
import { type Tokenizer, openTokenizer } from "../text/index.ts";

/** An opened tokenizer, and the choice of it with all that its file says, for the card. */
export interface OpenedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly choice: TokenizerChoice;
}

/**
 * The tokenizer of a task; undefined where it has none.
 *
 * @throws a data error where its file is missing, or is another than that of the card
 */
export async function openTokenizerOf(task: TaskChoice): Promise<OpenedTokenizer | undefined> {
  const given = tokenizerOf(task);
  if (!given) return undefined;
  const { file, sha256: known, ...card } = given;
  const bytes = await readDataFile(file, { hint: "It is the tokenizer of the task." });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (known !== undefined && known !== sha256) {
    throw new OcelliError("data", `${file} is another tokenizer than the model was trained with.`, {
      given: sha256,
      valid: [known],
      hint: "Put the file of before in its place.",
    });
  }
  const tokenizer = openTokenizer(card, bytes);
  const vocabulary = tokenizer.vocabularySize;
  const choice = tokenizerKey.parse({ ...given, vocabulary, sha256 }); // its keys in one order, also when resumed
  return { tokenizer, choice };
}

/** A configuration whose tokenizer must be the one that a run's card records, where it records one. */
export function withRecordedTokenizer(config: Config, card: unknown): Config {
  const { task } = (card ?? {}) as Partial<ModelCard>;
  const recorded = task && tokenizerOf(task);
  if (!recorded || !config.task || !("tokenizer" in config.task)) return config;
  return { ...config, task: { ...config.task, tokenizer: recorded } };
}

/** A preprocessing whose examples end with rows of ids for texts; of several texts one is drawn. */
export const withTokenizer = (
  preprocessing: Preprocessing,
  opened: OpenedTokenizer | undefined,
): Preprocessing =>
  opened === undefined
    ? preprocessing
    : {
        ...preprocessing,
        last(example, random) {
          if (!Object.hasOwn(example, "text")) return example;
          const texts = decodeTexts(example.text);
          const one = texts.length === 1 ? 0 : random.integer(0, texts.length);
          const { dtype, data, shape } = opened.tokenizer.tokenize([texts[one]]);
          return { ...example, text: hostArray(shape.slice(1), dtype, data) };
        },
      };
