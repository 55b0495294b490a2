/**
 * @file The drawings that claims about images and words share: emoji by several hands, with names in three languages. And
 * the baseline of their search by words, which needs no model: `node papers/drawings.ts`.
 *
 * They lie in npm packages: `npm install emoji-datasource-google emoji-datasource-twitter @lobehub/fluent-emoji-3d emojibase-data`.
 */

import { fileURLToPath } from "node:url";
import { type ArmContext, type ClaimInput, decodeImage, evaluateModelOn } from "ocelli";
import { openDataset } from "ocelli/data";
import { parsePreprocessing, seededRandom } from "ocelli/preprocess";

/** English, and two further languages. */
export const LANGUAGES = ["en", "de", "fr"] as const;

/** Google's drawings teach, Microsoft's choose the settings, Twitter's judge: 1,911 emoji with three names each. */
export const DRAWINGS = {
  name: "emoji",
  vendors: { train: "google", validation: "fluent", test: "twitter" },
  languages: [...LANGUAGES],
} satisfies ClaimInput["data"];

/** All emoji teach; another hand's drawings of them choose and judge. */
export const SPLITS = { train: "train", validation: "validation", test: "test" } as const;

/** WordPieces of the names and tags (`scripts/drawings-vocabulary.ts`), 24 to a text, read as BERT reads them. */
export const TOKENIZER = {
  file: fileURLToPath(new URL("drawings-vocabulary.txt", import.meta.url)),
  kind: "wordpiece",
  lower: "unicode",
  bos: "yes",
  eos: "none",
  pad: 0,
  length: 24,
} as const;

/** On white, whole, of `size` pixels; in training shifted by up to an eighth. */
export const pictures = (size: number) => ({
  train: `decode|resize(${size}, antialias=true)|random_shift(${size / 8})|value_range(-1,1)`,
  eval: `decode|resize(${size}, antialias=true)|value_range(-1,1)`,
});

/** A learning rate that warms up over a tenth of the steps and falls by a cosine. */
export const COSINE = { decayType: "cosine", warmup: { percent: 10 } } as const;

/** What recall is of: names that find the judged hand's drawing among all. */
export const METRIC = "txt2img_recall@5";

/** Recall at 5 of a model by the names of each language alone, as `en`, `de`, `fr`. */
export async function byLanguage(
  folder: string,
  { held, engine, data }: Pick<ArmContext, "held" | "engine" | "data">,
): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const language of LANGUAGES) {
    const alone = { ...data, languages: [language] } as typeof data;
    const how = { split: held, engine, types: ["retrieval"] };
    const found = await evaluateModelOn(folder, alone, how);
    values[language] = found.values[METRIC];
  }
  return values;
}

/** A side of the baseline's pictures, in pixels. */
const SIDE = 16;
const RANKS = [1, 5, 10] as const;

/** Of a split, each emoji's id and its pixels. */
async function pixelsOf(split: string): Promise<{ ids: string[]; pixels: Float32Array[] }> {
  const { open } = await openDataset(DRAWINGS);
  const source = await open(split);
  const small = parsePreprocessing(`resize(${SIDE}, antialias=true)`);
  const ids: string[] = [];
  const pixels: Float32Array[] = [];
  for (let index = 0; index < source.length; index++) {
    const bytes = (await source.read(index)).image.data as Uint8Array;
    const image = await decodeImage(bytes, { alpha: [255, 255, 255] });
    const { data } = small.onHost({ image }, seededRandom(index)).image;
    ids.push(source.id(index));
    pixels.push(Float32Array.from(data as Float32Array));
  }
  return { ids, pixels };
}

/**
 * The baseline: a name means the training hand's drawing of it, and finds the judged hand's drawings by the squared
 * distance of their pixels (16 × 16, on white). Recall at 1, 5 and 10 over all emoji; the language of a name does not matter.
 */
export async function nearestPixels(split: string = SPLITS.test): Promise<Record<string, number>> {
  const [taught, judged] = [await pixelsOf(SPLITS.train), await pixelsOf(split)];
  const ranks = taught.ids.map((id, i) => {
    const query = taught.pixels[i];
    const own = distance(query, judged.pixels[judged.ids.indexOf(id)]);
    return judged.pixels.filter((other) => distance(query, other) < own).length;
  });
  return Object.fromEntries(
    RANKS.map((k) => [
      `txt2img_recall@${k}`,
      ranks.filter((rank) => rank < k).length / ranks.length,
    ]),
  );
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] - b[j]) ** 2;
  return sum;
}

if (import.meta.main) {
  for (const split of [SPLITS.validation, SPLITS.test]) {
    const shown = Object.entries(await nearestPixels(split)).map(
      ([name, value]) => `${name} ${(100 * value).toFixed(1)} %`,
    );
    console.log(`${DRAWINGS.vendors.train} to ${DRAWINGS.vendors[split]}: ${shown.join(", ")}`);
  }
}
