/** @file Cases of two towers: `constructor` holds big_vision's arguments, of each tower too. */

import { type Tensor, mean, reshape } from "../../graph/index.ts";
import { bidirectionalContrastive, maskedMean, sigmoidContrastive } from "../../losses/index.ts";
import { createFieldModel } from "../../models/index.ts";
import { type Case, type Json, type JsonObject, camelKeys, objectAt } from "../case.ts";
import type { Family } from "../family.ts";
import { computeFields, fieldsOf } from "../fields-model.ts";
import { withoutNull } from "../image-model.ts";
import { textOptions } from "./text-transformer.ts";
import { NAFLEX_FIELDS } from "./naflex-vit.ts";

/** big_vision's modules by our families. */
const FAMILIES: Readonly<Record<string, string>> = {
  "proj.image_text.text_transformer": "text-transformer",
  "proj.image_text.naflex_vit": "naflex-vit",
  "proj.flexi.vit": "flexivit",
  mlp_mixer: "mlp-mixer",
  bit_paper: "bit-paper",
};

/** A tower's module and arguments as a model's name with its options. */
function towerOf(module: Json | undefined, options: JsonObject, family: string) {
  const named = typeof module === "string" ? (FAMILIES[module] ?? module) : family;
  return { name: named, ...textOptions(camelKeys(options)) };
}

/** The options of a case's towers. */
function towersOptions(description: JsonObject): Record<string, unknown> {
  const {
    image_model: imageModel,
    text_model: textModel,
    out_dim: outDim,
    ...rest
  } = objectAt(description, "constructor");
  const { temperature_init: temperatureInit, bias_init: biasInit } = rest;
  const scalars = withoutNull({ outDim, temperatureInit, biasInit });
  return {
    image: towerOf(imageModel, objectAt(rest, "image"), "vit"),
    text: towerOf(textModel, objectAt(rest, "text"), "text-transformer"),
    ...scalars,
  };
}

/** Both losses of the batch's pairs. */
function lossesOf({ zimg, ztxt, t, b }: Readonly<Record<string, Tensor>>) {
  if (!zimg || !ztxt) return {};
  const { loss, correct } = bidirectionalContrastive(zimg, ztxt, reshape(t, []));
  return {
    sigmoid_loss: mean(sigmoidContrastive(zimg, ztxt, t, { bias: b })),
    softmax_loss: mean(loss),
    softmax_ncorrect: maskedMean(correct),
  };
}

export const twoTowers: Family = {
  name: "two_towers",
  model: /image_text\/two_towers$/,
  compute(given: Case, engine) {
    const { inputs } = given;
    return computeFields(given, engine, {
      model: createFieldModel("two-towers", towersOptions(given.description)),
      fields: {
        ...fieldsOf(inputs, { image: "image", text: "text" }),
        ...fieldsOf(inputs, NAFLEX_FIELDS),
      },
      derive: lossesOf,
      losses: { _sigmoid: "sigmoid_loss", _softmax: "softmax_loss" },
    });
  },
};
