/** @file Texts of a served model: made rows of ids by its tokenizer, and vectors by its head `text`. */

import { OcelliError } from "../errors.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import { type Rows, contrastiveTask } from "../tasks/index.ts";
import type { Tokenizer } from "../text/index.ts";
import { checkNumbers } from "./answering.ts";
import { disposeTree, readTree } from "./device-trees.ts";
import type { ServedModel, ServedTexts } from "./model.ts";
import { toUnitLength } from "./vectors.ts";

/** The head that gives vectors of texts, in the space of those of images. */
const TEXT = "text";

/** Texts computed together, at most. */
const BATCH = 64;

/**
 * The texts of a model; undefined where its task has no head of texts.
 *
 * @param spec names the model in errors
 */
export function servedTexts(
  spec: string,
  { task, compile }: Pick<ServedModel, "task" | "compile">,
  tokenizer: Tokenizer | undefined,
): ServedTexts | undefined {
  if (!tokenizer || !Object.hasOwn(task.heads, TEXT)) return undefined;
  const program = compile((outputs) => ({ vectors: task.heads[TEXT](outputs) }));
  return {
    tokenizer,
    async embed(texts) {
      const parts: Float32Array[] = [];
      for (let begin = 0; begin < texts.length; begin += BATCH) {
        const some = texts.slice(begin, begin + BATCH);
        const arrays = await program({ text: padded(some, tokenizer) });
        const rows = (await readTree(arrays)) as Rows;
        disposeTree(arrays);
        checkNumbers(spec, rows, "a text");
        const { shape, data } = rows.vectors;
        parts.push((data as Float32Array).slice(0, some.length * shape[1]));
      }
      return normalisedRows(parts, texts.length);
    },
  };
}

/** Rows of ids, filled up to a power of two with empty texts, so that few programs are compiled. */
function padded(texts: readonly string[], tokenizer: Tokenizer): HostArray {
  let size = 1;
  while (size < texts.length) size *= 2;
  const empty = new Array<string>(size - texts.length).fill("");
  return tokenizer.tokenize([...texts, ...empty]);
}

/** Parts of rows as one array [rows, dim], each row of length 1. */
function normalisedRows(parts: readonly Float32Array[], rows: number): HostArray {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const data = new Float32Array(size);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  const dim = rows === 0 ? 0 : size / rows;
  for (let row = 0; row < rows; row++) toUnitLength(data.subarray(row * dim, (row + 1) * dim));
  return hostArray([rows, dim], "float32", data);
}

/**
 * What a model reads texts by.
 *
 * @param spec names the model in the error
 * @throws an argument error where it reads none
 */
export function textsOf({ texts, card }: Pick<ServedModel, "texts" | "card">, spec: string) {
  if (texts) return texts;
  const valid = [contrastiveTask.name];
  throw new OcelliError(
    "argument",
    `${spec} reads no texts: it is a model of the task ${card.task.name}.`,
    {
      given: card.task.name,
      valid,
      hint: `Give a run of the task ${valid.join(" or ")}, or SigLIP or CLIP as hf:….`,
    },
  );
}

/** A line for each text that a model does not read whole: it is cut, or some of its tokens are unknown. */
export function notesOnTexts(
  { tokenizer }: Pick<ServedTexts, "tokenizer">,
  texts: readonly string[],
): string[] {
  const { card, bosId, eosId, unkId } = tokenizer;
  const around = Number(bosId !== undefined) + Number(eosId !== undefined);
  return texts.flatMap((text) => {
    const ids = tokenizer.encode(text);
    const unknown = unkId === undefined ? 0 : ids.filter((id) => id === unkId).length;
    const room = card.length - around;
    return [
      ...(ids.length > room
        ? [`"${shortened(text)}" has ${ids.length} tokens: the model reads the first ${room}`]
        : []),
      ...(unknown > 0
        ? [`"${shortened(text)}": ${unknown} of ${ids.length} tokens are unknown to the model`]
        : []),
    ];
  });
}

/** Characters of a text that a line shows. */
const SHOWN = 60;

const shortened = (text: string): string =>
  text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
