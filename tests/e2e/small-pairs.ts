/** @file Coloured squares at two places with captions, and the configuration of a small model that learns them. */

import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import type { ConfigInput } from "../../src/index.ts";

export const VOCABULARY = new URL("../golden/tokenizer/sp_bpe/tokenizer.model", import.meta.url);
export const COLOURS = { red: "#f00", green: "#0f0", blue: "#00f", white: "#fff" };
export const PLACES = { left: 0, right: 4 };

/** Writes `COLOUR-PLACE.png`, tables of captions and the vocabulary into a folder; the configuration of a training on them. */
export async function writePairs(dir: string): Promise<ConfigInput> {
  await copyFile(VOCABULARY, join(dir, "spiece.model"));
  const lines: string[] = [];
  for (const [colour, background] of Object.entries(COLOURS)) {
    for (const [place, left] of Object.entries(PLACES)) {
      const image = `${colour}-${place}.png`;
      const square = await sharp({ create: { width: 4, height: 8, channels: 3, background } })
        .png()
        .toBuffer();
      await sharp({ create: { width: 8, height: 8, channels: 3, background: "#777" } })
        .composite([{ input: square, left, top: 0 }])
        .png()
        .toFile(join(dir, image));
      const captions = [`${colour} on the ${place}`, `${place}: ${colour}`];
      lines.push(JSON.stringify({ image, captions }));
    }
  }
  for (const name of ["train", "test"])
    await writeFile(join(dir, `${name}.jsonl`), lines.join("\n"));
  const tower = { width: 16, depth: 1, numHeads: 2, mlpDim: 32 };
  return {
    name: "pairs",
    data: {
      name: "captions",
      files: { train: join(dir, "train.jsonl"), test: join(dir, "test.jsonl") },
    },
    task: {
      name: "contrastive",
      tokenizer: {
        ...{ file: join(dir, "spiece.model"), kind: "sentencepiece" },
        ...{ lower: "ascii", bos: "no", eos: "sticky", pad: 0, length: 12 },
      },
    },
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
