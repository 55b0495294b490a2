/** @file Tokenizers of transformers' cases: the ids of case.json's texts by the files beside the model. */

import { fromNumbers, toNumbers } from "../../graph/index.ts";
import { type Tokenizer, openTokenizer } from "../../text/index.ts";
import { describeTokenizer } from "../../weights/index.ts";
import { type Arrays, type Case, fileOf, jsonFile, textsAt } from "../case.ts";

const FOLDER = "model/";

/** The tokenizer of a case; undefined where it has none. */
function tokenizerOf(given: Case): Tokenizer | undefined {
  const names = Object.keys(given.files)
    .filter((name) => name.startsWith(FOLDER))
    .map((name) => name.slice(FOLDER.length));
  if (!names.includes("tokenizer_config.json")) return undefined;
  const described = describeTokenizer(jsonFile(given, `${FOLDER}tokenizer_config.json`), names);
  if (!described) return undefined;
  const { file, card } = described;
  const bytes = fileOf(given, FOLDER + file);
  return openTokenizer(card(bytes), bytes);
}

/** Rows of ids, and 1 where they are no padding after the end. */
export function computeTokenizer(given: Case): Arrays {
  const texts = textsAt(given.description, "texts");
  const tokenizer = texts && tokenizerOf(given);
  if (!tokenizer) return {};
  const rows = tokenizer.tokenize(texts);
  const ids = toNumbers(rows);
  const [count, length] = rows.shape;
  const { bosId } = tokenizer;
  const used = texts.map((text) =>
    Math.min(length, tokenizer.encode(text).length + (bosId === undefined ? 1 : 2)),
  );
  const mask = ids.map((_, i) => Number(i % length < used[Math.floor(i / length)]));
  return {
    "tokenizer/input_ids": rows,
    "tokenizer/attention_mask": fromNumbers(mask, [count, length], "int32"),
  };
}
