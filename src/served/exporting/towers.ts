/** @file Towers of a model that takes several fields, as files of their own; the tokenizer's vocabulary lies beside them. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { readOwn, writeAtomically } from "../../files.ts";
import { RUN_FILES } from "../../runs/run.ts";
import type { TrainedModel } from "../outputs.ts";
import { openTokenizerOf } from "../tokenizers.ts";

/** A model that is exported, and the vocabulary that goes with it. */
export interface Portable {
  /** Its card names the vocabulary by the name that it has beside the files. */
  readonly trained: TrainedModel;
  /** Of a model that reads texts, the vocabulary's file. */
  readonly vocabulary?: { readonly name: string; readonly bytes: Uint8Array };
}

/**
 * A model whose card names no file of this machine.
 *
 * @param run where it was opened
 */
export async function portable(run: string, trained: TrainedModel): Promise<Portable> {
  const { card } = trained;
  const opened = await openTokenizerOf(card.task, run);
  if (!opened) return { trained };
  const name = RUN_FILES.tokenizer;
  const task = { ...card.task, tokenizer: { ...opened.choice, file: name } };
  return {
    trained: { ...trained, card: { ...card, task } },
    vocabulary: { name, bytes: opened.bytes },
  };
}

/**
 * Writes the vocabulary of a model into the folder of its files; its bytes by name.
 *
 * @throws a data error where that of another model lies there
 */
export async function writeVocabulary(
  { vocabulary }: Portable,
  folder: string,
): Promise<Record<string, number>> {
  if (!vocabulary) return {};
  const { name, bytes } = vocabulary;
  const file = join(folder, name);
  if (!existsSync(file)) await writeAtomically(file, [bytes]);
  else if (!(await readOwn(file)).equals(bytes)) {
    throw new OcelliError("data", `${file} is the vocabulary of another model.`, {
      hint: "Give each model a folder of its own, as --out.",
    });
  }
  return { [name]: bytes.length };
}
