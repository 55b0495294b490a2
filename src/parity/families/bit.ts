/** @file Cases of BiT as a ResNet v1: `constructor` holds big_vision's arguments. */

import { createModel } from "../../models/index.ts";
import type { Family } from "../family.ts";
import { computeImageModel, constructorOptions } from "../image-model.ts";

export const bit: Family = {
  name: "bit",
  model: /models\/bit$/,
  compute: (given, engine) =>
    computeImageModel(given, createModel("bit", constructorOptions(given.description)), engine),
};
