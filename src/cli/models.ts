/** @file `ocelli models`: the model families, and their named sizes. */

import { VIT_VARIANTS, modelNames } from "../models/index.ts";
import type { Command } from "./command.ts";

export const models: Command = {
  name: "models",
  summary: "List the models and their named sizes",
  operands: "",
  arity: [0, 0],
  flags: {},
  examples: ["ocelli models", "ocelli train quickstart --model.variant Ti/7"],
  run(_call, output) {
    for (const name of modelNames) output.line(name);
    for (const [name, { width, depth, mlpDim, heads }] of Object.entries(VIT_VARIANTS)) {
      output.line(
        `  ${name.padEnd(7)} width ${width}, depth ${depth}, mlp ${mlpDim}, heads ${heads}`,
      );
    }
    return Promise.resolve({ models: modelNames, variants: { vit: VIT_VARIANTS } });
  },
};
