/** @file Captioning: a picture becomes a sentence, written token by token. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { featuresAt } from "../evaluate/features.ts";
import { toNumbers } from "../graph/index.ts";
import {
  type ModelCard,
  createFieldModel,
  createGenerator,
  fieldsTaken,
  modelTakes,
} from "../models/index.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { defineTask } from "./task.ts";
import { type TokenizerChoice, neededTokenizer, tokenizerKey } from "./tokenizer-key.ts";

/** Captions of pictures; the data need pairs of images and texts. */
export const captioningTask = defineTask({
  name: "captioning",
  schema: z.strictObject({
    /** How texts become ids: the vocabulary's file, and its rules, which stay with the model. */
    tokenizer: tokenizerKey,
  }),
  needs: { image: ["image"], text: ["text"] },
  headline: { metric: "perplexity", better: "lower" },
  evaluators: ({ text }) => (text === "text" ? ["perplexity", "captions"] : []),
  describe({ tokenizer }, { tokenizer: opened }) {
    const end = opened && endOf(opened, tokenizer);
    return { task: { tokenizer, ...(end !== undefined && { end }) }, names: {} };
  },
  create(card) {
    const { length, pad, vocabulary } = neededTokenizer("captioning", card.task);
    const { model: net, generate } = makeModel(card);
    const marks = { end: Number(card.task.end), pad, vocabulary };
    return {
      model: (scope, image) => net(scope, { image }),
      whole: {
        model: (scope, { image, text }) => net(scope, text ? { image, text } : { image }),
        inputs: { text: { shape: [length], dtype: "int32" } },
      },
      write: (scope, { image }, options) => generate(scope, { image }, marks, options),
      heads: {
        text: ({ write }) => write!(),
        logits: ({ output }) => output,
        embed: ({ out }) => featuresAt(out),
      },
      main: "text",
      respond: (ids) => ({ ids }), // [batch, length]
      answer: ({ ids }, tokenizer) => ({ kind: "text", text: tokenizer!.decode(toNumbers(ids)) }),
    };
  },
});

/** The id that ends a text; an error where a tokenizer has none that the loss sees. */
function endOf({ eosId, padId }: Tokenizer, { file, eos, pad }: TokenizerChoice): number {
  if (eosId !== undefined && eosId !== padId) return eosId;
  const [problem, hint] =
    eosId === undefined
      ? [`ends no text (eos "${eos}")`, 'Say task.tokenizer.eos "sticky".']
      : [
          `pads texts with ${pad}, which also ends them`,
          "Take another id as task.tokenizer.pad, such as 0.",
        ];
  throw new OcelliError(
    "config",
    `captioning cannot learn where a text ends: ${file} ${problem}.`,
    { given: { eos, pad }, hint },
  );
}

/** The model of a card, which knows every id of the tokenizer and has a place for every token of a row. */
function makeModel({ model: { name, ...options }, task }: Pick<ModelCard, "model" | "task">) {
  const { length, vocabulary } = neededTokenizer("captioning", task);
  for (const field of ["image", "text"]) {
    if (fieldsTaken(name).includes(field)) continue;
    throw new OcelliError(
      "config",
      `the task captioning needs a model that writes texts about images; ${name} takes ${fieldsTaken(name).join(", ")}.`,
      { given: name, hint: "Take the model cappa." },
    );
  }
  const least: Readonly<Record<string, readonly [number | undefined, string]>> = {
    vocabSize: [vocabulary, `the tokenizer has ${vocabulary} pieces`],
    seqLen: [length, `texts have ${length} tokens (task.tokenizer.length)`],
  };
  const settled: Record<string, unknown> = { ...options };
  for (const [key, [needed, why]] of Object.entries(least)) {
    if (needed === undefined || !modelTakes(name, key)) continue;
    const given = settled[key] ?? needed;
    if (typeof given === "number" && given < needed) {
      throw new OcelliError("config", `model.${key} is ${given}, but ${why}.`, {
        given,
        hint: "Leave it out.",
      });
    }
    settled[key] = given;
  }
  const generate = createGenerator(name, settled);
  if (generate) return { model: createFieldModel(name, settled), generate };
  throw new OcelliError("config", `the model ${name} writes no texts.`, {
    given: name,
    hint: "Take the model cappa.",
  });
}
