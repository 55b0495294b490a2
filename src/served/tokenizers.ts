/** @file Tokenizers of tasks: opened from their files, and put behind a preprocessing. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../config/config.ts";
import { parseDataFile, readDataFile } from "../data/files/files.ts";
import { OcelliError } from "../errors.ts";
import { readOwn } from "../files.ts";
import { hostArray } from "../graph/index.ts";
import type { ModelCard, TaskChoice } from "../models/index.ts";
import { decodeTexts } from "../preprocess/example.ts";
import { type Preprocessing, parsePreprocessing } from "../preprocess/pipeline.ts";
import { RUN_FILES } from "../runs/run.ts";
import { type TokenizerChoice, tokenizerKey, tokenizerOf } from "../tasks/index.ts";
import { type Tokenizer, openTokenizer } from "../text/index.ts";
import { checkpointOnHub } from "../weights/load.ts";

/** An opened tokenizer, and the choice of it with all that its file says, for the card. */
export interface OpenedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly choice: TokenizerChoice;
  /** What the vocabulary's file holds. */
  readonly bytes: Uint8Array;
}

/**
 * The tokenizer of a task; undefined where it has none.
 *
 * @param run the run folder, a file in it, or a pushed one as `hf:owner/name`, whose copy of the vocabulary is read where there is one
 * @throws a data error where the vocabulary's file is missing, or is another than that of the card
 */
export async function openTokenizerOf(
  task: TaskChoice,
  run?: string,
): Promise<OpenedTokenizer | undefined> {
  const given = tokenizerOf(task);
  if (!given) return undefined;
  const { file: named, sha256: known, ...card } = given;
  const copy = known !== undefined && run !== undefined ? await copyIn(run) : undefined;
  const file = copy ?? named;
  const bytes = copy
    ? await readOwn(copy)
    : await readDataFile(named, { hint: "It is the tokenizer of the task." });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (known !== undefined && known !== sha256) {
    throw new OcelliError("data", `${file} is another tokenizer than the model was trained with.`, {
      given: sha256,
      valid: [known],
      hint: copy
        ? `Put ${named} in its place, as it was at the training's start.`
        : "Put the file of before in its place.",
    });
  }
  const tokenizer = parseDataFile(file, () => openTokenizer(card, bytes));
  const vocabulary = tokenizer.vocabularySize;
  const choice = tokenizerKey.parse({ ...given, vocabulary, sha256 }); // its keys in one order, also when resumed
  return { tokenizer, choice, bytes };
}

/** The copy of the vocabulary in a run's folder, or beside a file of its model; runs from before there was one have none. */
async function copyIn(run: string): Promise<string | undefined> {
  const place = (await checkpointOnHub(run, [RUN_FILES.tokenizer])) ?? run;
  const folder = /\.(safetensors|onnx)$/i.test(place) ? dirname(place) : place;
  const file = join(folder, RUN_FILES.tokenizer);
  return existsSync(file) ? file : undefined;
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
  opened: Pick<OpenedTokenizer, "tokenizer"> | undefined,
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

/** What a preprocessing does with texts that come without images. */
export const textsAlone = ({ last }: Preprocessing): Preprocessing => ({
  ...parsePreprocessing(""),
  ...(last && { last }),
});
