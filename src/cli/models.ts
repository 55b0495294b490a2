/** @file `ocelli models`: the model families, the named sizes of each, and where weights of them come from. */

import { type Command, USE_FLAG } from "./command.ts";

export const models: Command = {
  name: "models",
  summary: "List the models, their named sizes, and which have weights",
  operands: "",
  arity: [0, 0],
  flags: { use: USE_FLAG },
  examples: ["ocelli models", "ocelli train quickstart --model.variant Ti/7"],
  async run(_call, output) {
    const { MODELS, VIT_VARIANTS } = await import("../models/index.ts");
    const { PUBLISHED } = await import("../served/published.ts");
    const width = Math.max(...MODELS.map(({ name }) => name.length)) + 2;
    const line = (first: string, text: string): void =>
      output.line(`${first.padEnd(width)}${text}`);
    const families = MODELS.map(({ name, sizes = [], weightsOf = [], schema }) => {
      const published = Object.hasOwn(PUBLISHED, name) ? PUBLISHED[name].weights : undefined;
      const options = Object.keys(schema.shape);
      return { name, sizes, weights: published, readsWeightsOf: weightsOf, options };
    });
    for (const { name, sizes, weights, readsWeightsOf } of families) {
      const read =
        readsWeightsOf.length > 0 ? `files and hf:… of ${readsWeightsOf.join(", ")}` : "";
      const all = [weights === undefined ? "" : `by its name (${weights})`, read].filter(Boolean);
      line(
        name,
        `weights ${all.join("; ") || "none published: trained from scratch, or from a run"}`,
      );
      if (sizes.length > 0) line("", `sizes   ${sizes.join(", ")}`);
    }
    output.line("\nsizes of vit and flexivit:");
    for (const [name, { width, depth, mlpDim, heads }] of Object.entries(VIT_VARIANTS)) {
      output.line(
        `  ${name.padEnd(7)} width ${width}, depth ${depth}, mlp ${mlpDim}, heads ${heads}`,
      );
    }
    return {
      models: families.map(({ name }) => name),
      variants: { vit: VIT_VARIANTS },
      families,
    };
  },
};
