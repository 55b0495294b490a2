/** @file Cases of BiT as published, a ResNet v2: `constructor` holds big_vision's arguments. */

import { createModel } from "../../models/index.ts";
import type { Family } from "../family.ts";
import { computeImageModel, constructorOptions } from "../image-model.ts";

export const bitPaper: Family = {
  name: "bit_paper",
  model: /models\/bit_paper$/,
  compute: (given, engine) => {
    const options = constructorOptions(given.description);
    return computeImageModel(given, createModel("bit-paper", options), engine);
  },
};
