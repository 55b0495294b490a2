/** @file Cases of the vision transformer: `constructor` holds big_vision's arguments. */

import { createModel } from "../../models/index.ts";
import type { Family } from "../family.ts";
import { computeImageModel, constructorOptions, withPolicy } from "../image-model.ts";

export const vit: Family = {
  name: "vit",
  model: /models\/vit$/,
  compute: (given, engine) => {
    const options = withPolicy(constructorOptions(given.description));
    return computeImageModel(given, createModel("vit", options), engine);
  },
};
