/**
 * @file Writes docs/operations.md and its pictures: every operation of the preprocessing language, what it does, and what it
 * makes of one picture. `node scripts/operation-page.ts`
 */

import { mkdirSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { decodeImage } from "../src/data/decode/decode.ts";
import { type HostArray, type Tensor, constant, toNumbers } from "../src/graph/index.ts";
import { evaluate } from "../src/engines/engine.ts";
import { createInterpreter } from "../src/engines/interpreter/index.ts";
import { OPERATIONS } from "../src/preprocess/operations.ts";
import { parsePreprocessing } from "../src/preprocess/pipeline.ts";
import { seededRandom } from "../src/random.ts";

/** A house under the sun, with transparent air above. */
const SCENE = `<svg xmlns="http://www.w3.org/2000/svg" width="144" height="96">
<rect y="30" width="144" height="66" fill="#7fb77e"/><rect width="144" height="64" fill="#a9d3f0" fill-opacity=".8"/>
<circle cx="116" cy="22" r="13" fill="#f7c948"/><rect x="30" y="40" width="50" height="38" fill="#d9b38c"/>
<path d="M24 42 L55 14 L86 42 Z" fill="#b5483a"/><rect x="48" y="56" width="14" height="22" fill="#5a3d2b"/>
<rect x="66" y="50" width="9" height="9" fill="#e8f1f8"/><circle cx="104" cy="66" r="14" fill="#3f7d46"/>
<rect x="101" y="76" width="6" height="14" fill="#6b4a2f"/></svg>`;

/** An operation in use, and what it does. */
const USES: Readonly<Record<string, readonly [text: string, does: string]>> = {
  decode: ["decode", "Decodes the file; transparent parts are laid on white."],
  fast_decode: ["fast_decode", "The same, but a JPEG may be decoded smaller where less is wanted."],
  resize: ["decode|resize((96, 96))", "Scales to a square or to (height, width)."],
  resize_small: ["decode|resize_small(64)", "Scales the smaller side, keeping the ratio."],
  resize_long: ["decode|resize_long(96)", "Scales the longer side, keeping the ratio."],
  central_crop: ["decode|central_crop(64)", "Cuts the middle out."],
  random_crop: ["decode|random_crop(64)", "Cuts a box out at a random place."],
  inception_crop: [
    "decode|inception_crop(96, 20, 60)",
    "Cuts out a random box of 20 to 60 % of the area and scales it.",
  ],
  random_resized_crop: [
    "decode|random_resized_crop(96, 20, 60)",
    "The same with the distribution of torchvision: the ratio is uniform in its logarithm.",
  ],
  flip_lr: ["decode|flip_lr", "Mirrors left to right, half of the time."],
  pad: ['decode|pad(12, mode="reflect")', "Adds a border of one value, or mirrored."],
  random_shift: ["decode|random_shift(24)", "Moves by up to so many pixels, filling with zeros."],
  grayscale: ["decode|grayscale", "One channel of luma."],
  rgb: [
    "decode|grayscale|rgb",
    "Three channels: of one by repeating it, of four without the last.",
  ],
  randaug: ["decode|randaug(2, 15)", "So many random changes of one strength (RandAugment)."],
  trivial_augment: [
    "decode|trivial_augment",
    "One random change of random strength (TrivialAugment).",
  ],
  augmix: ["decode|augmix", "A mixture of several chains of changes (AugMix)."],
  color_jitter: [
    "decode|color_jitter(0.4, 0.4, 0.4, 0.1)",
    "Random brightness, contrast, saturation and hue.",
  ],
  gaussian_blur: [
    "decode|gaussian_blur(9, 2, 2, 1)",
    "Blurs with a random deviation, with a probability (SimCLR).",
  ],
  random_solarize: [
    "decode|random_solarize(128, 1)",
    "Inverts the values from a threshold on, with a probability (BYOL).",
  ],
  random_grayscale: [
    "decode|random_grayscale(1)",
    "Takes the colours away, with a probability; the channels stay three.",
  ],
  random_erasing: ["decode|random_erasing(1)", "Fills a random box."],
  value_range: ["decode|value_range(-1, 1)", "Pixels from 0 … 255 to −1 … 1."],
  vgg_value_range: [
    "decode|vgg_value_range",
    "Pixels less a mean, over a deviation, by channel (ImageNet's).",
  ],
  clip_value_range: [
    "decode|value_range(-0.3, 1.3)|clip_value_range",
    "Values below 0 become 0, above 1 become 1.",
  ],
  onehot: [
    'onehot(4, key="label", key_result="classes")',
    "A class as a list of 0 and 1: label 2 of 4 becomes classes 0, 0, 1, 0.",
  ],
  resize_to_sequence: [
    "decode|resize_to_sequence(8, 96)",
    "Scales so that the picture makes at most so many patches of a side, nearly keeping the ratio.",
  ],
  central_crop_to_sequence: [
    "decode|central_crop_to_sequence(8, 96)",
    "Cuts the middle out that makes at most so many patches.",
  ],
  patchify: [
    "resize_to_sequence(8, 96)|patchify(8, 96)",
    "The picture as a list of patches, filled up with zeros, beside `type`, `yidx` and `xidx`, their places.",
  ],
  pick_text: [
    'pick_text("random")',
    "One of an example's texts: drawn anew each time, or the first.",
  ],
  keep: ['keep("image", "label")', "Leaves out every other field."],
  drop: ['drop("id")', "Leaves fields out."],
  copy: ['copy("image", "original")', "A field a second time, under another name."],
};

const folder = new URL("../docs/pictures/operations/", import.meta.url);

/** The text of the page. */
export function operationPage(): string {
  const sections = OPERATIONS.map(({ name, parameters }) => {
    if (!Object.hasOwn(USES, name))
      throw new Error(`scripts/operation-page.ts does not show ${name}`);
    const [text, does] = USES[name];
    const shown = text.startsWith("decode") || text.startsWith("fast_decode");
    const picture = shown ? `\n\n![${text}](pictures/operations/${name}.png)` : "";
    return `## ${name}\n\n${does}\n\n    ${text}\n\nArguments: ${Object.keys(parameters)
      .map((one) => `\`${one}\``)
      .join(", ")}.${picture}\n`;
  });
  return `# Operations of the preprocessing language

A preprocessing is a text such as \`decode|resize(224)|value_range(-1, 1)\`: operations one after the other. Each is shown here with what it makes
of the picture below; random ones with one of their results. \`key\` names another field than \`image\`, \`inkey\` and \`outkey\` the field that is read and the one
that is written. [Pictures to pixels](preprocessing.md) says more of files, alpha, maps and boxes. \`node scripts/operation-page.ts\` writes this page.

![The picture: a house under the sun](pictures/operations/picture.png)

${sections.join("\n")}`;
}

/** The pictures by name. */
async function pictures(): Promise<Record<string, Uint8Array>> {
  const file = await sharp(Buffer.from(SCENE)).png().toBuffer();
  const made: Record<string, Uint8Array> = { picture: file };
  for (const { name } of OPERATIONS) {
    const [text] = USES[name];
    if (!/^(fast_)?decode/.test(text)) continue;
    const preprocessing = parsePreprocessing(text);
    const image = await decodeImage(file, { alpha: preprocessing.alpha });
    const seen = preprocessing.onHost({ image }, seededRandom("page", name, 6)).image;
    const batch = { ...seen, shape: [1, ...seen.shape] };
    made[name] = await pngOf(await onDevice(preprocessing, batch));
  }
  return made;
}

/** A batch after the operations of the device. */
async function onDevice(
  preprocessing: ReturnType<typeof parsePreprocessing>,
  image: HostArray,
): Promise<HostArray> {
  const device = (x: Tensor): Tensor => preprocessing.onDevice({ image: x }).image;
  return evaluate(createInterpreter(), device(constant(image)));
}

/** An image [1, height, width, channels] as a PNG file, its least value black, its greatest white, unless it is bytes. */
function pngOf({
  shape: [, height, width, channels],
  dtype,
  ...array
}: HostArray): Promise<Buffer> {
  const values = toNumbers({ shape: [height, width, channels], dtype, ...array });
  const [low, high] = dtype === "uint8" ? [0, 255] : [Math.min(...values), Math.max(...values)];
  const data = Uint8Array.from(values, (value) => Math.round((255 * (value - low)) / (high - low)));
  return sharp(data, { raw: { width, height, channels: channels as 1 | 3 } })
    .png()
    .toBuffer();
}

if (import.meta.main) {
  mkdirSync(folder, { recursive: true });
  for (const [name, file] of Object.entries(await pictures())) {
    writeFileSync(new URL(`${name}.png`, folder), file);
  }
  writeFileSync(new URL("../docs/operations.md", import.meta.url), operationPage());
}
