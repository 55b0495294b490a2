/** @file Cases of the vision transformer: `constructor` holds big_vision's arguments. */

import { createModel } from "../../models/index.ts";
import type { Json } from "../case.ts";
import type { Family } from "../family.ts";
import { computeImageModel, constructorOptions } from "../image-model.ts";

/** jax's checkpoint policies by our names; what it does not know keeps nothing. */
const POLICIES: Readonly<Record<string, string>> = {
  everything_saveable: "everything",
  dots_with_no_batch_dims_saveable: "dots",
};

const translate = ({ rematPolicy, ...options }: Record<string, Json>): Record<string, Json> =>
  rematPolicy === undefined
    ? options
    : { ...options, rematPolicy: POLICIES[String(rematPolicy)] ?? "nothing" };

export const vit: Family = {
  name: "vit",
  model: /models\/vit$/,
  compute: (given, engine) => {
    const options = translate(constructorOptions(given.description));
    return computeImageModel(given, createModel("vit", options), engine);
  },
};
