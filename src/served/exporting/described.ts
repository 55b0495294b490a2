/** @file What is said in JSON beside exported models: how pictures and texts become their inputs, and the whole card. */

import type { ModelCard } from "../../models/index.ts";
import { describeOperations, parsePreprocessing } from "../../preprocess/pipeline.ts";
import { type Task, tokenizerOf } from "../../tasks/index.ts";
import { cardTexts } from "../../weights/model-card.ts";
import type { DriftReport } from "./drift.ts";
import { IMAGE, type ModelInterface, inputOf, outputName } from "./interface.ts";

/** A model, as far as its description needs it. */
interface Described {
  readonly card: ModelCard;
  readonly task: Task;
}

/** Exported models by name: the whole as `model`, or towers. */
type Parts = Readonly<Record<string, ModelInterface>>;

/** JSON as a file holds it. */
export const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** The input of an exported model; the batch may have any size. */
function inputJson({ card, task }: Described, calls: ModelInterface) {
  const { shape, dtype } = inputOf(task, card, calls);
  const layout = calls.input === IMAGE && { layout: calls.layout };
  return { name: calls.input, dtype, ...layout, shape: ["batch", ...shape] };
}

/**
 * How pictures and texts become inputs: of pictures the preprocessing as text, the colour behind transparent parts, the operations
 * one by one, and the array that comes out; of texts the tokenizer.
 */
export function preprocessJson(model: Described, parts: Parts) {
  const { preprocessing, task } = model.card;
  const all = Object.values(parts);
  const image = all.find(({ input }) => input === IMAGE);
  const text = all.find(({ input }) => input !== IMAGE);
  return {
    ...(image && {
      text: preprocessing,
      alpha: parsePreprocessing(preprocessing).alpha,
      operations: describeOperations(preprocessing),
      input: inputJson(model, image),
    }),
    ...(text && { tokenizer: { ...tokenizerOf(task), input: inputJson(model, text) } }),
  };
}

/** All that the card says, under the names that it has in the file's metadata, and how its files are called. */
export function modelJson(
  model: Described,
  parts: Parts,
  {
    files,
    fingerprint,
    drift,
  }: {
    /** By part, the files by how their weights are stored. */
    readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly fingerprint: string;
    readonly drift: DriftReport | undefined;
  },
) {
  const { card } = model;
  const described = Object.entries(parts).map(([name, calls]) => {
    const output = { name: outputName(calls), dtype: "float32" };
    return [name, { input: inputJson(model, calls), output, files: files[name] }] as const;
  });
  const whole = parts.model ? described[0][1] : { towers: Object.fromEntries(described) };
  return {
    version: cardTexts(card).version,
    ...card,
    fingerprint,
    ...whole,
    ...(drift && { drift }),
  };
}
