/** @file Coloured shapes, drawn and captioned, and a small model of images and texts that learns them. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import type { ConfigInput } from "../../src/index.ts";
import { type Random, seededRandom } from "../../src/random.ts";
import { VOCABULARY } from "../e2e/captioned-drawings.ts";

export const COLOURS = {
  ...{ red: "#d62828", orange: "#f59e0b", green: "#2e9e44" },
  ...{ blue: "#2563eb", purple: "#7e22ce", black: "#111111" },
};
/** Paths within −1 to 1 in both directions. */
export const SHAPES = {
  circle: "M-1 0 A1 1 0 1 1 1 0 A1 1 0 1 1 -1 0Z",
  triangle: "M0 -1 L1 .85 L-1 .85Z",
  cross: "M-.35 -1 H.35 V-.35 H1 V.35 H.35 V1 H-.35 V.35 H-1 V-.35 H-.35Z",
  ring: "M-1 0 A1 1 0 1 1 1 0 A1 1 0 1 1 -1 0Z M-.55 0 A.55 .55 0 1 0 .55 0 A.55 .55 0 1 0 -.55 0Z",
  bar: "M-1 -.25 H1 V.25 H-1Z",
};

/** All pairs of a colour and a shape. */
export const KINDS = Object.keys(COLOURS).flatMap((colour) =>
  Object.keys(SHAPES).map((shape) => ({ colour, shape }) as Kind),
);
type Kind = { readonly colour: keyof typeof COLOURS; readonly shape: keyof typeof SHAPES };

/** One drawing, PNG of `side` pixels: the shape is scaled, moved and turned a little, on a pale ground. */
function draw({ colour, shape }: Kind, side: number, random: Random): Promise<Buffer> {
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const size = between(24, 36);
  const [x, y] = [between(40, 56), between(40, 56)];
  const ground = `hsl(${Math.round(between(0, 360))} 30% ${Math.round(between(88, 96))}%)`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="${side}" height="${side}">
<rect width="96" height="96" fill="${ground}"/>
<path transform="translate(${x} ${y}) rotate(${between(-8, 8)}) scale(${size})" fill="${COLOURS[colour]}" fill-rule="evenodd" d="${SHAPES[shape]}"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** Draws `each` pictures of every kind into a folder, which differ by the folder's seed; their names. */
export async function drawShapes(
  folder: string,
  { each, side, seed }: { readonly each: number; readonly side: number; readonly seed: string },
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const names: string[] = [];
  for (const kind of KINDS) {
    for (let i = 0; i < each; i++) {
      const name = `${kind.colour}-${kind.shape}-${i}.png`;
      const random = seededRandom(seed, name);
      await writeFile(join(folder, name), await draw(kind, side, random));
      names.push(name);
    }
  }
  return names;
}

/** Draws training pictures with captions into a folder; the configuration of a training on them. */
export async function shapesConfig(dir: string): Promise<ConfigInput> {
  const names = await drawShapes(join(dir, "drawn"), { each: 8, side: 24, seed: "taught" });
  const lines = names.map((name) => {
    const [colour, shape] = name.split("-");
    const captions = [`a ${colour} ${shape}`, `${shape} in ${colour}`, `${colour} ${shape}`];
    return JSON.stringify({ image: `drawn/${name}`, captions });
  });
  await writeFile(join(dir, "train.jsonl"), lines.join("\n"));
  const tower = { width: 64, depth: 1, numHeads: 2, mlpDim: 128, poolType: "map" };
  return {
    name: "shapes",
    data: { name: "captions", files: { train: join(dir, "train.jsonl") } },
    task: {
      name: "contrastive",
      tokenizer: {
        ...{ file: VOCABULARY.pathname, kind: "sentencepiece", lower: "ascii", bos: "no" },
        ...{ eos: "sticky", pad: 0, length: 12 },
      },
    },
    model: {
      name: "two-towers",
      image: { ...tower, patchSize: [6, 6] },
      text: tower,
      ...{ outDim: [null, 64], temperatureInit: 10 },
    },
    objective: { name: "contrastive", loss: "softmax" },
    optimizer: {
      name: "adam",
      lr: 5e-3,
      schedule: { decayType: "cosine", warmup: { percent: 10 } },
    },
    preprocess: {
      train: "decode|resize(24)|value_range(-1,1)",
      eval: 'decode|resize(24)|value_range(-1,1)|pick_text("first")',
    },
    evals: {},
    batchSize: 32,
    duration: { steps: 350 },
  } as ConfigInput;
}
