/** @file The configuration of a small model of images and texts that learns captioned drawings. */

import type { ConfigInput } from "../../src/index.ts";
import { drawCaptioned } from "./captioned-drawings.ts";

/** Draws what is learned into a folder; the configuration of a training on it. */
export async function writePairs(dir: string): Promise<ConfigInput> {
  const { data, tokenizer } = await drawCaptioned(dir);
  const tower = { width: 16, depth: 1, numHeads: 2, mlpDim: 32 };
  return {
    name: "pairs",
    data,
    task: { name: "contrastive", tokenizer },
    model: {
      name: "two-towers",
      image: { ...tower, patchSize: [4, 4], poolType: "map" },
      text: { ...tower, poolType: "map" },
      ...{ outDim: [null, 16], temperatureInit: 10, biasInit: -2 },
    },
    objective: { name: "contrastive" },
    optimizer: { name: "adam", lr: 5e-3 },
    preprocess: {
      train: "decode|resize(8)|value_range(-1,1)",
      eval: 'decode|resize(8)|value_range(-1,1)|pick_text("first")',
    },
    batchSize: 8,
    duration: { steps: 60 },
  };
}
