/** @file Cases of the text transformer: `constructor` holds big_vision's arguments. */

import { add, mul, reduceSum } from "../../graph/index.ts";
import { createFieldModel } from "../../models/index.ts";
import type { Family } from "../family.ts";
import { computeFields, fieldsOf } from "../fields-model.ts";
import { type Json, camelKeys, objectAt } from "../case.ts";
import { withPolicy, withoutNull } from "../image-model.ts";

/** big_vision's arguments as options; mlp_dim null is 4 × width there, not the default. */
export const textOptions = (given: Readonly<Record<string, Json | undefined>>) => ({
  ...withPolicy(withoutNull(given)),
  ...(given.mlpDim === null ? { mlpDim: null } : {}),
});

export const textTransformer: Family = {
  name: "text_transformer",
  model: /image_text\/text_transformer$/,
  compute(given, engine) {
    const options = textOptions(camelKeys(objectAt(given.description, "constructor")));
    return computeFields(given, engine, {
      model: createFieldModel("text-transformer", options),
      fields: fieldsOf(given.inputs, { text: "text" }),
      beside: fieldsOf(given.inputs, {
        weights: "loss_weights",
        vocabWeights: "loss_weights_vocab",
      }),
      derive: ({ output, vocab_logits: scores }, { weights, vocabWeights }) => {
        const parts = [
          ...(weights ? [reduceSum(mul(output, weights))] : []),
          ...(vocabWeights ? [reduceSum(mul(scores, vocabWeights))] : []),
        ];
        if (parts.length === 0) return {};
        return {
          loss: mul(
            parts.reduce((a, b) => add(a, b)),
            1 / output.shape[0],
          ),
        };
      },
      losses: { "": "loss" },
    });
  },
};
