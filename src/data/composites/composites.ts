/** @file Composites: cut-outs on photographs or patterns with exact maps, all drawn from a seed. */

import { stat } from "node:fs/promises";
import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { hostArray } from "../../graph/dtype.ts";
import { type ByteImage, byteImageOf, imageOf } from "../../preprocess/image.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { seededRandom } from "../../random.ts";
import { cannotRead } from "../files/files.ts";
import { imagePaths, pathSource } from "../readers/images.ts";
import { type OpenData, defineSource } from "../define.ts";
import type { Dataset, Source } from "../source.ts";
import { ALL, DEFAULT_SHARES, splitOf } from "../splits/hashed.ts";
import { prepareExample } from "../stream/examples.ts";
import { compose, drawPattern, placeCutout } from "./compose.ts";
import type { Cutout } from "./cutout.ts";
import { openCutouts } from "./cutouts.ts";

const compositesSchema = z.strictObject({
  /** Side of the square images, in pixels. Default: 64. */
  size: z.int().min(8).max(2048).optional(),
  /** Images of the split `train`; `validation` and `test` have an eighth as many. Default: 4000. */
  count: z.int().min(1).optional(),
  /** Objects of an image, at most. Default: 3. */
  objects: z.int().min(1).max(32).optional(),
  /** Decides all that is drawn. Default: 0. */
  seed: z.int().min(0).optional(),
  /** "shapes", "emoji", or a folder of pictures with transparent parts. Default: "shapes". */
  cutouts: z.string().optional(),
  /** A folder of photographs, or a data set's file, to lay the cut-outs on. Default: drawn patterns. */
  backgrounds: z.string().optional(),
  /** The classes of cut-outs to use. Default: all. */
  classes: z.array(z.string()).min(1).readonly().optional(),
});

/** How to draw composites. */
type CompositesOptions = z.output<typeof compositesSchema>;

/**
 * Composites with maps: 0 is the background, the others are the classes of the cut-outs. Each image is drawn from the
 * seed and its number alone; the photographs of one split are behind no image of another.
 *
 * @param openData opens the data set of photographs at a path that is no folder
 */
export async function openComposites(
  {
    size = 64,
    count = 4000,
    objects = 3,
    seed = 0,
    cutouts: from = "shapes",
    backgrounds,
    classes,
  }: CompositesOptions,
  openData: OpenData,
): Promise<Dataset> {
  const cutouts = await openCutouts(from, classes);
  const photographs =
    backgrounds === undefined ? undefined : await openPhotographs(backgrounds, openData);
  const names = ["background", ...cutouts.keys()];
  const byClass = [...cutouts.values()];
  const lengths = { train: count, validation: Math.ceil(count / 8), test: Math.ceil(count / 8) };
  const sourceOf = (split: keyof typeof DEFAULT_SHARES): Source => {
    const behind = photographs && partOf(photographs, split, backgrounds!);
    return {
      length: lengths[split],
      fields: { image: "image", map: "map" },
      names: { map: names },
      id: (index) => `${split}-${String(index).padStart(6, "0")}`,
      async read(index) {
        const key = ["composites", seed, split, index];
        const random = seededRandom(...key);
        const background = behind
          ? await readBackground(behind[random.integer(0, behind.length)], size, key)
          : drawPattern(size, random);
        const placed = Array.from({ length: random.integer(1, objects + 1) }, () => {
          const chosen = random.integer(0, byClass.length);
          const some: readonly Cutout[] = byClass[chosen];
          return placeCutout(some[random.integer(0, some.length)], chosen + 1, size, random);
        });
        const { image, map } = compose(background, placed);
        return { image, map: hostArray([size, size], "uint8", map) };
      },
    };
  };
  const sources = new Map<string, Source>();
  return {
    name: "composites",
    splits: Object.keys(DEFAULT_SHARES),
    open(split) {
      const source = sources.get(split) ?? sourceOf(split as keyof typeof DEFAULT_SHARES);
      sources.set(split, source);
      return Promise.resolve(source);
    },
  };
}

/** A photograph by its place in a source. */
interface Photograph {
  readonly source: Source;
  readonly index: number;
}

/** All images of a folder, whatever its layout, or of a data set. */
async function openPhotographs(path: string, openData: OpenData): Promise<readonly Photograph[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw cannotRead(path, error);
  });
  const sources = found.isDirectory()
    ? [pathSource((await imagePaths([path])).images, path)]
    : await openWhole(await openData(path));
  return sources.flatMap((source) =>
    Array.from({ length: source.length }, (_, index) => ({ source, index })),
  );
}

/** The sources of all that a data set has. */
const openWhole = ({ shares, splits, open }: Dataset): Promise<Source[]> =>
  Promise.all((shares ? [ALL] : splits).map((split) => open(split)));

/** The photographs of a split: by the hash of their ids. */
function partOf(photographs: readonly Photograph[], split: string, path: string): Photograph[] {
  const own = photographs.filter(
    ({ source, index }) => splitOf(source.id(index), DEFAULT_SHARES) === split,
  );
  if (own.length > 0) return own;
  throw new OcelliError("data", `${path} has too few images: none falls to ${split}.`, {
    hint: "Give a hundred or more.",
  });
}

/** A square part of a photograph. */
async function readBackground(
  { source, index }: Photograph,
  size: number,
  key: readonly (string | number)[],
): Promise<ByteImage> {
  const { image } = await source.read(index);
  const cut = parsePreprocessing(`decode|inception_crop(${size},40)|flip_lr`);
  const prepared = await prepareExample({ features: { image }, key, id: source.id(index) }, cut);
  if ("problem" in prepared) throw prepared.problem;
  return byteImageOf("composites", imageOf("composites", prepared.features.image));
}

/** Composites in a configuration. */
export const compositesData = defineSource({
  name: "composites",
  schema: compositesSchema,
  open: openComposites,
});
