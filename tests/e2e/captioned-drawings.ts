/** @file Drawings with captions, for tests of models of images and texts: a coloured half of a grey square, captioned twice. */

import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

/** The vocabulary that captions are read by. */
export const VOCABULARY = new URL("../golden/tokenizer/sp_bpe/tokenizer.model", import.meta.url);
export const COLOURS = { red: "#f00", green: "#0f0", blue: "#00f", white: "#fff" };
export const PLACES = { left: 0, right: 4 };

/** Draws them into a folder, with `train.jsonl`, `test.jsonl` and `spiece.model`; what a configuration says of data and tokenizer. */
export async function drawCaptioned(dir: string) {
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
  const files = { train: join(dir, "train.jsonl"), test: join(dir, "test.jsonl") };
  return {
    data: { name: "captions", files },
    tokenizer: {
      file: join(dir, "spiece.model"),
      kind: "sentencepiece",
      lower: "ascii",
      bos: "no",
      eos: "sticky",
      pad: 0,
      length: 12,
    },
  } as const;
}
