/** @file `ocelli models`: the model families, and their named sizes. */

import { type Command, USE_FLAG } from "./command.ts";

export const models: Command = {
  name: "models",
  summary: "List the models and their named sizes",
  operands: "",
  arity: [0, 0],
  flags: { use: USE_FLAG },
  examples: ["ocelli models", "ocelli train quickstart --model.variant Ti/7"],
  async run(_call, output) {
    const { MODELS, VIT_VARIANTS } = await import("../models/index.ts");
    const names = MODELS.map(({ name }) => name);
    for (const name of names) output.line(name);
    for (const [name, { width, depth, mlpDim, heads }] of Object.entries(VIT_VARIANTS)) {
      output.line(
        `  ${name.padEnd(7)} width ${width}, depth ${depth}, mlp ${mlpDim}, heads ${heads}`,
      );
    }
    return { models: names, variants: { vit: VIT_VARIANTS } };
  },
};
