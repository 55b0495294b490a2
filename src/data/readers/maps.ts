/** @file Folders of images with a map for each: `images/` beside `maps/`, `masks/`, `labels/` or `annotations/`. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { parseJson } from "../../formats/budget.ts";
import { readPngMap } from "../../formats/png.ts";
import { type HostArray, hostArray } from "../../graph/dtype.ts";
import { NO_CLASS } from "../../preprocess/example.ts";
import { parseDataFile, readDataFile, readImageFile } from "../files/files.ts";
import { type Listing, listFolder, walkFolder } from "../files/walk.ts";
import { classKeys, defineSource, splitKeys } from "../define.ts";
import { type Dataset, type Source, bytesArray } from "../source.ts";
import { splitDataset } from "../splits/hashed.ts";
import { usualSplit } from "../splits/split-names.ts";
import { IMAGE_FILE } from "./image-names.ts";

const mapsSchema = z.strictObject({
  /** The folder. */
  dir: z.string(),
  ...classKeys,
  ...splitKeys,
});

/** How to open a folder of images and maps. */
type MapsOptions = z.output<typeof mapsSchema>;

/** What the folder of maps may be called. */
const MAP_FOLDERS = ["maps", "masks", "labels", "annotations"];
const IMAGES = "images";

/** An image with its map, both as paths below the data's folder. */
interface Pair {
  readonly image: string;
  readonly map: string;
}

/** The folders of one split. */
interface Pairing {
  readonly split: string | undefined;
  readonly images: string;
  readonly maps: string;
}

const mapFolderOf = ({ folders, links }: Listing): string | undefined =>
  MAP_FOLDERS.find((name) => [...folders, ...links].includes(name));

/**
 * The folders of images and of maps: `dir/images` and `dir/maps`, the same within folders of splits, or folders of splits
 * within both. None where a folder is not laid out so.
 */
async function pairingsIn(dir: string): Promise<Pairing[]> {
  const top = await listFolder(dir);
  const folders = [...top.folders, ...top.links];
  const maps = mapFolderOf(top);
  if (maps !== undefined && folders.includes(IMAGES)) {
    const inside = await listFolder(join(dir, IMAGES));
    const splits = [...inside.folders, ...inside.links].filter((name) => usualSplit(name));
    if (splits.length === 0 || inside.files.some((name) => IMAGE_FILE.test(name))) {
      return [{ split: undefined, images: IMAGES, maps }];
    }
    return splits.map((split) => ({
      ...{ split, images: join(IMAGES, split), maps: join(maps, split) },
    }));
  }
  const found: Pairing[] = [];
  for (const split of folders.filter((name) => usualSplit(name))) {
    const inside = await listFolder(join(dir, split));
    const own = mapFolderOf(inside);
    if (own === undefined || ![...inside.folders, ...inside.links].includes(IMAGES)) continue;
    found.push({ split, images: join(split, IMAGES), maps: join(split, own) });
  }
  return found;
}

/** Whether a folder holds images and maps of them. */
export async function holdsMaps(dir: string): Promise<boolean> {
  const [first] = await pairingsIn(dir);
  if (!first || !existsSync(join(dir, first.maps))) return false;
  return (await walkFolder(join(dir, first.maps))).files.some(isMap);
}

const isMap = (path: string): boolean => /\.png$/i.test(path);
const stemOf = (path: string): string => path.replace(/\.\w+$/, "");

/**
 * Images with maps of the same names, as PNG files of grey values or with a palette whose indices are the classes;
 * 255 stands for no class unless it is named. Names come from `classes.txt`, a line each, or `names.json`, a list or a
 * record from values to names; without them the maps are all read once, for their values. Ids are the images' paths.
 *
 * @throws a data error that names the image without a map, or the map whose value has no name
 */
export async function openMaps({ dir, classes, splits, splitBy }: MapsOptions): Promise<Dataset> {
  const pairings = await pairingsIn(dir);
  if (pairings.length === 0) {
    throw new OcelliError("data", `${dir} has no folder ${IMAGES} beside one of maps.`, {
      hint: `Put images into ${join(dir, IMAGES)} and their maps into ${join(dir, "maps")}.`,
    });
  }
  const notes: string[] = [];
  const pairs = new Map<string | undefined, Pair[]>();
  for (const pairing of pairings) pairs.set(pairing.split, await pairsIn(dir, pairing, notes));
  const all = [...pairs.values()].flat();
  const numbering = classes
    ? numberingOf(classes.entries(), "classes")
    : ((await namedIn(dir)) ?? (await foundIn(dir, all, notes)));
  const sources = [...pairs].map(([split = "", some]) => {
    return [split, mapSource(dir, some, numbering)] as const;
  });
  const rest = { name: "maps", place: dir, shares: splits, splitBy, notes };
  return splitDataset(new Map(sources), rest);
}

/** The images of a split, each with its map. */
async function pairsIn(dir: string, { images, maps }: Pairing, notes: string[]): Promise<Pair[]> {
  const found = await walkFolder(join(dir, maps));
  const byStem = new Map(found.files.filter(isMap).map((path) => [stemOf(path), path]));
  const used = new Set<string>();
  const pairs = (await walkFolder(join(dir, images))).files
    .filter((path) => IMAGE_FILE.test(path))
    .map((path) => {
      const map = byStem.get(stemOf(path));
      if (map === undefined) {
        const hint = `It would be ${join(dir, maps, `${stemOf(path)}.png`)}.`;
        throw new OcelliError("data", `${join(dir, images, path)} has no map.`, { hint });
      }
      used.add(map);
      return { image: join(images, path), map: join(maps, map) };
    });
  if (pairs.length === 0) throw new OcelliError("data", `${join(dir, images)} has no images.`);
  const spare = [...byStem.values()].filter((path) => !used.has(path));
  if (spare.length > 0) {
    const are = spare.length === 1 ? "map has" : "maps have";
    notes.push(`${spare.length} ${are} no image in ${join(dir, images)} (${spare[0]}, …)`);
  }
  return pairs;
}

/** Which class each value of the maps is. */
interface Numbering {
  readonly names: readonly string[];
  readonly classOf: ReadonlyMap<number, number>;
  /** What names them, for errors. */
  readonly by: string;
}

function numberingOf(named: Iterable<readonly [number, string]>, by: string): Numbering {
  const sorted = [...named].sort(([a], [b]) => a - b);
  const classOf = new Map(sorted.map(([value], place) => [value, place]));
  if (!classOf.has(NO_CLASS)) classOf.set(NO_CLASS, NO_CLASS);
  return { names: sorted.map(([, name]) => name), classOf, by };
}

/** The names that a file gives; undefined where there is none. */
async function namedIn(dir: string): Promise<Numbering | undefined> {
  const [text, json] = [join(dir, "classes.txt"), join(dir, "names.json")];
  if (existsSync(text)) {
    const lines = new TextDecoder()
      .decode(await readDataFile(text))
      .trim()
      .split(/\r?\n/);
    return numberingOf(lines.entries(), text);
  }
  if (!existsSync(json)) return undefined;
  const bytes = await readDataFile(json);
  const value = parseDataFile(json, () => parseJson(new TextDecoder().decode(bytes), json));
  const entries = Object.entries((value ?? {}) as Record<string, unknown>);
  const wrong = entries.find(([key, name]) => !/^\d{1,5}$/.test(key) || typeof name !== "string");
  if (wrong || entries.length === 0) {
    throw new OcelliError(
      "data",
      `${json} is no list of names and no record from values to names.`,
      {
        given: wrong,
        hint: 'Such as ["background", "cat"] or { "0": "background", "255": "cat" }.',
      },
    );
  }
  return numberingOf(
    entries.map(([key, name]) => [Number(key), String(name)] as const),
    json,
  );
}

/** The values of all maps, which are then their own names. */
async function foundIn(dir: string, pairs: readonly Pair[], notes: string[]): Promise<Numbering> {
  const values = new Set<number>();
  for (const { map } of pairs) {
    for (const value of (await readMap(join(dir, map))).data) values.add(Number(value));
  }
  const most = Math.max(...[...values].filter((value) => value !== NO_CLASS));
  if (most < 1) {
    throw new OcelliError(
      "data",
      `the maps of ${dir} hold only ${[...values].sort((a, b) => a - b).join(" and ")}; ${NO_CLASS} means no class.`,
      {
        hint: `Name the values in ${join(dir, "names.json")}: { "0": "background", "255": "cat" }.`,
      },
    );
  }
  notes.push(`classes are named by their values, 0 to ${most}: there is no classes.txt`);
  const names = Array.from({ length: most + 1 }, (_, value) => [value, String(value)] as const);
  return numberingOf(names, "the maps");
}

async function readMap(path: string): Promise<HostArray> {
  const bytes = await readImageFile(path);
  return parseDataFile(path, () => readPngMap(bytes, "the map"));
}

function mapSource(dir: string, pairs: readonly Pair[], numbering: Numbering): Source {
  const { names } = numbering;
  return {
    length: pairs.length,
    fields: { image: "image", map: "map" },
    names: { map: names },
    id: (index) => pairs[index].image.replaceAll("\\", "/").normalize(),
    async read(index) {
      const { image, map } = pairs[index];
      const data = await readImageFile(join(dir, image));
      const values = await readMap(join(dir, map));
      return {
        image: bytesArray(data),
        map: classesOf(values, numbering, join(dir, map)),
      };
    },
  };
}

/** A map's values as classes, uint8 [height, width]. */
function classesOf({ shape, data }: HostArray, { classOf, names, by }: Numbering, path: string) {
  const classes = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const found = classOf.get(Number(data[i]));
    if (found === undefined) {
      throw new OcelliError(
        "data",
        `${path} has the value ${data[i]}, which none of the ${names.length} classes of ${by} has.`,
        { given: Number(data[i]), hint: `Use ${NO_CLASS} where a pixel has no class.` },
      );
    }
    classes[i] = found;
  }
  return hostArray(shape, "uint8", classes);
}

/** Folders of images with maps, in a configuration. */
export const mapsData = defineSource({ name: "maps", schema: mapsSchema, open: openMaps });
