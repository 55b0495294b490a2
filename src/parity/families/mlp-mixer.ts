/** @file Cases of MLP-Mixer: `constructor` holds big_vision's arguments. */

import { createModel } from "../../models/index.ts";
import type { Family } from "../family.ts";
import { computeImageModel, constructorOptions } from "../image-model.ts";

export const mlpMixer: Family = {
  name: "mlp_mixer",
  model: /models\/mlp_mixer$/,
  compute: (given, engine) => {
    const { modelName: _label, ...options } = constructorOptions(given.description);
    return computeImageModel(given, createModel("mlp-mixer", options), engine);
  },
};
