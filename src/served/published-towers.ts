/** @file Two towers that somebody published, as a model of images and texts: of the task `contrastive`, with their tokenizer. */

import { OcelliError } from "../errors.ts";
import { contrastiveTask } from "../tasks/index.ts";
import { describePublishedTowers, loadWeights } from "../weights/index.ts";
import { type PublishedOptions, unclear } from "./published.ts";
import { openTokenizerOf } from "./tokenizers.ts";

/**
 * Published weights of two towers in the layout of transformers: their model, preprocessing as text, arrays and task;
 * undefined where they are of something else, or where the options say which model they are of.
 *
 * @throws a data error where the tokenizer is missing or unknown, or has more pieces than the text tower
 */
export async function readPublishedTowers(
  spec: string,
  { architecture, preprocessing, report }: PublishedOptions,
) {
  if (architecture !== undefined) return undefined;
  const towers = await describePublishedTowers(spec, { report });
  if (!towers) return undefined;
  const { model, loss, tokenizer: described } = towers;
  const text = preprocessing ?? towers.preprocessing;
  if (text === undefined) throw unclear(spec, false);
  const opened = await openTokenizerOf({ name: contrastiveTask.name, tokenizer: described });
  const tokenizer = opened!.choice;
  const { vocabSize } = model.text as { readonly vocabSize: number };
  if (tokenizer.vocabulary! > vocabSize) {
    throw new OcelliError(
      "data",
      `${spec}: its tokenizer has ${tokenizer.vocabulary} pieces, its text tower knows ${vocabSize}.`,
      { given: tokenizer.file, hint: "They are of two models; put the right tokenizer beside it." },
    );
  }
  const { arrays } = await loadWeights(spec, { report });
  const task = { name: contrastiveTask.name, tokenizer, loss };
  return { model, text, weights: spec, arrays, task };
}
