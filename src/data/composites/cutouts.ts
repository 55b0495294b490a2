/** @file What composites are made of: pictures with transparent parts, by class. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { readImageFile } from "../files/files.ts";
import { listFolder } from "../files/walk.ts";
import type { Cutout } from "./cutout.ts";
import { SHAPES, drawShape } from "./shapes.ts";

/** Cut-outs by the name of their class. */
export type Cutouts = ReadonlyMap<string, readonly Cutout[]>;

/** The longer side of a cut-out; larger pictures are scaled down to it. */
const SIDE = 128;
/** The classes that a map of bytes has beside the background and 255. */
const MOST = 254;

/**
 * Cut-outs: `shapes`, which are drawn; `emoji`, of an npm package; or those of a folder, a picture or a folder of them for
 * each class.
 *
 * @param names the classes to use. Default: all, of emoji some animals and fruits
 */
export async function openCutouts(from: string, names?: readonly string[]): Promise<Cutouts> {
  if (from === "shapes") {
    const shapes = chosen(Object.keys(SHAPES), names, "the shapes");
    return new Map(shapes.map((name) => [name, [drawShape(name, SIDE)]]));
  }
  const files = from === "emoji" ? await emojiFiles(names) : await filesIn(from, names);
  if (files.size > MOST) {
    throw new OcelliError("data", `${from} has ${files.size} classes of cut-outs.`, {
      hint: `Name up to ${MOST} of them as data.classes.`,
    });
  }
  const cutouts = new Map<string, Cutout[]>();
  for (const [name, paths] of files) cutouts.set(name, await Promise.all(paths.map(readCutout)));
  return cutouts;
}

/** The names to use of those there are. */
function chosen(
  there: readonly string[],
  names: readonly string[] | undefined,
  where: string,
): readonly string[] {
  const missing = names?.find((name) => !there.includes(name));
  if (missing === undefined) return names ?? there;
  throw new OcelliError("config", `data.classes: ${where} have no "${missing}".`, {
    given: missing,
    valid: there.slice(0, 20),
    hint: `Such as ${there.slice(0, 5).join(", ")}.`,
  });
}

const PICTURE = /\.(png|webp|avif|svg)$/i;

/** The pictures of a folder by class. */
async function filesIn(dir: string, names?: readonly string[]) {
  const { files, folders, links } = await listFolder(dir);
  const found = new Map<string, string[]>();
  for (const name of [...folders, ...links].sort()) {
    const inside = (await listFolder(join(dir, name))).files.filter((file) => PICTURE.test(file));
    if (inside.length > 0)
      found.set(
        name,
        inside.map((file) => join(dir, name, file)),
      );
  }
  for (const file of files.filter((name) => PICTURE.test(name))) {
    if (found.size > 0 && folders.length > 0) break;
    found.set(file.replace(PICTURE, ""), [join(dir, file)]);
  }
  if (found.size === 0) {
    throw new OcelliError("data", `${dir} has no pictures with transparent parts.`, {
      hint: "PNG, WebP, AVIF and SVG are read: one for each class, or a folder of them.",
    });
  }
  const used = chosen([...found.keys()], names, `the cut-outs of ${dir}`);
  return new Map(used.map((name) => [name, found.get(name)!] as const));
}

const EMOJI_PACKAGE = "emoji-datasource-google";
/** Emoji that do not look alike, by their short names. */
const EMOJI = ["cat2", "dog2", "rabbit2", "elephant", "tropical_fish", "apple", "banana", "grapes", "car", "tree"] as const; // prettier-ignore

/** An emoji as the package lists it. */
interface Emoji {
  readonly short_names: readonly string[];
  readonly image: string;
}

async function emojiFiles(names: readonly string[] = EMOJI) {
  let folder: string;
  try {
    folder = dirname(
      createRequire(join(process.cwd(), "x")).resolve(`${EMOJI_PACKAGE}/emoji.json`),
    );
  } catch (cause) {
    throw new OcelliError("data", `emoji are in the npm package ${EMOJI_PACKAGE}.`, {
      hint: `Install it: npm install ${EMOJI_PACKAGE}; or leave data.cutouts out for shapes.`,
      cause,
    });
  }
  const list = JSON.parse(await readFile(join(folder, "emoji.json"), "utf8")) as Emoji[];
  const images = new Map(list.flatMap(({ short_names, image }) => short_names.map((name) => [name, image]))); // prettier-ignore
  const used = chosen([...images.keys()], names, "emoji");
  return new Map(
    used.map((name) => [name, [join(folder, "img", "google", "64", images.get(name)!)]] as const),
  );
}

async function readCutout(path: string): Promise<Cutout> {
  const { default: sharp } = await import("sharp");
  const bytes = await readImageFile(path);
  try {
    const { data, info } = await sharp(bytes)
      .toColourspace("srgb")
      .ensureAlpha()
      .resize(SIDE, SIDE, { fit: "inside", withoutEnlargement: true })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
    return { height: info.height, width: info.width, pixels, plain: false };
  } catch (cause) {
    throw new OcelliError("data", `${path} cannot be decoded.`, { cause });
  }
}
