/** @file Cases of the NaFlex vision transformer: `constructor` holds big_vision's arguments. */

import { mul, reduceSum } from "../../graph/index.ts";
import { createFieldModel } from "../../models/index.ts";
import type { Family } from "../family.ts";
import { computeFields, fieldsOf } from "../fields-model.ts";
import { constructorOptions, withPolicy } from "../image-model.ts";

/** The model's fields by big_vision's names. */
export const NAFLEX_FIELDS = {
  image: "patches",
  type: "type",
  yidx: "yabs",
  xidx: "xabs",
} as const;

export const naflexVit: Family = {
  name: "naflex_vit",
  model: /image_text\/naflex_vit$/,
  compute(given, engine) {
    const options = withPolicy(constructorOptions(given.description));
    return computeFields(given, engine, {
      model: createFieldModel("naflex-vit", options),
      fields: fieldsOf(given.inputs, NAFLEX_FIELDS),
      beside: fieldsOf(given.inputs, { weights: "loss_weights" }),
      derive: ({ output }, { weights }) =>
        weights ? { loss: mul(reduceSum(mul(output, weights)), 1 / output.shape[0]) } : {},
      losses: { "": "loss" },
    });
  },
};
