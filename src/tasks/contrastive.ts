/** @file Contrast: a picture and a text become vectors of one space, near each other where they belong together. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type ModelCard,
  type ModelOptions,
  createFieldModel,
  fieldsTaken,
  modelTakes,
} from "../models/index.ts";
import { defineTask } from "./task.ts";
import { neededTokenizer, tokenizerKey } from "./tokenizer-key.ts";

/** Vectors of images and of texts; the data need pairs. The answer to a picture is its vector. */
export const contrastiveTask = defineTask({
  name: "contrastive",
  schema: z.strictObject({
    /** How texts become ids: the vocabulary's file, and its rules, which stay with the model. */
    tokenizer: tokenizerKey,
  }),
  needs: { image: ["image"], text: ["text"] },
  headline: { metric: "txt2img_recall@1", better: "higher" },
  evaluators: ({ text, label }) => [
    ...(text === "text" ? ["retrieval"] : []),
    ...(label === "class" || label === "classes" ? ["zeroshot"] : []),
  ],
  describe: ({ tokenizer }, { objective }) => ({
    task: { tokenizer, loss: objective.loss ?? "sigmoid" },
    names: {},
  }),
  create(card) {
    const { length } = neededTokenizer("contrastive", card.task);
    const net = makeModel(card);
    const takes = fieldsTaken(card.model.name);
    const taken = <T>(fields: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(fields).filter(([name]) => takes.includes(name)));
    return {
      model: (scope, image) => net(scope, { image }),
      whole: {
        model: (scope, fields) => net(scope, taken(fields)),
        inputs: { text: { shape: [length], dtype: "int32" } },
      },
      heads: { embed: ({ out }) => out.zimg, text: ({ out }) => out.ztxt },
      main: "embed",
      towers: { image: "embed", text: "text" },
      respond: (features) => ({ features }), // [batch, width]
      answer: ({ features }) => ({ kind: "features", features }),
    };
  },
});

/** The model of a card, whose text tower has a row for every id of the tokenizer. */
function makeModel(card: Pick<ModelCard, "model" | "task">) {
  const { name, ...options } = card.model as ModelCard["model"] & { readonly text?: ModelOptions };
  for (const field of ["image", "text"]) {
    if (fieldsTaken(name).includes(field)) continue;
    throw new OcelliError(
      "config",
      `the task contrastive needs a model of images and texts; ${name} takes ${fieldsTaken(name).join(", ")}.`,
      { given: name, hint: "Take the model two-towers." },
    );
  }
  const { vocabulary } = neededTokenizer("contrastive", card.task);
  const { text } = options;
  const tower = String(text?.name ?? "text-transformer");
  if (vocabulary === undefined || !modelTakes(name, "text") || !modelTakes(tower, "vocabSize")) {
    return createFieldModel(name, options);
  }
  const given = text?.vocabSize;
  if (typeof given === "number" && given < vocabulary) {
    throw new OcelliError(
      "config",
      `model.text.vocabSize is ${given}, but the tokenizer has ${vocabulary} pieces.`,
      { given, hint: "Leave it out." },
    );
  }
  return createFieldModel(name, { ...options, text: { vocabSize: vocabulary, ...text } });
}
