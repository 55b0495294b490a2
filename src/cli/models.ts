/** @file `ocelli models`: the model families, and their named sizes. */

import type { Command } from "./command.ts";

export const models: Command = {
  name: "models",
  summary: "List the models and their named sizes",
  operands: "",
  arity: [0, 0],
  flags: {},
  examples: ["ocelli models", "ocelli train quickstart --model.variant Ti/7"],
  async run(_call, output) {
    const { VIT_VARIANTS, modelNames } = await import("../models/index.ts");
    for (const name of modelNames) output.line(name);
    for (const [name, { width, depth, mlpDim, heads }] of Object.entries(VIT_VARIANTS)) {
      output.line(
        `  ${name.padEnd(7)} width ${width}, depth ${depth}, mlp ${mlpDim}, heads ${heads}`,
      );
    }
    return { models: modelNames, variants: { vit: VIT_VARIANTS } };
  },
};
