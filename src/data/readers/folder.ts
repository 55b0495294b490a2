/** @file Folders of images: one folder per class, within folders per split where there are any. */

import { z } from "zod";
import { join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { readImageFile } from "../files/files.ts";
import { type Found, foundDataset } from "./found.ts";
import { describeUnread } from "./image-names.ts";
import type { Layout, Part } from "../classification/layout.ts";
import { classKeys, defineSource, labelKeys, splitKeys } from "../define.ts";
import type { Dataset } from "../source.ts";
import { readTable } from "./table.ts";
import { arrangeImages } from "./unlabelled.ts";
import { type ImageWalk, walkImages } from "./walk-images.ts";

const folderSchema = z.strictObject({
  /** The folder. */
  dir: z.string(),
  ...classKeys,
  ...splitKeys,
  ...labelKeys,
});

/**
 * The images of a folder: JPEG, PNG, WebP, GIF, AVIF and TIFF by their extension, in `dir/CLASS/…` at any depth below
 * the class. Folders called train, val, test or the like are splits, `dir/SPLIT/CLASS/…`, and never classes unless
 * `classes` names them; one with a table called `metadata` has its labels there, and one without labels is left out
 * ({@link arrangeImages}). Links are followed; in a class a folder is entered once, whatever leads to it. Hidden files and what
 * systems leave behind are skipped, other files ignored and counted. Ids are paths below `dir`. Holds the paths.
 */
export async function openFolder({
  dir,
  ...keys
}: z.output<typeof folderSchema>): Promise<Dataset> {
  const walk = await walkImages(dir);
  const layout = arrangeImages(walk.tree, { place: dir, ...keys });
  const splits = new Map<string, Found>();
  for (const [split, part] of layout.parts) splits.set(split, await foundIn(dir, split, part));
  if ([...splits.values()].every(({ ids }) => ids.length === 0)) throw nothingIn(dir, walk);
  const notes = [...layout.notes, ...notesOn(walk, layout)];
  return foundDataset({ name: "folder", splits, notes, place: dir }, keys);
}

/** The examples of a split, by its folders or its table. */
async function foundIn(dir: string, split: string, { paths, labels, table }: Part): Promise<Found> {
  if (table === undefined) {
    return {
      ids: paths.map(idOf),
      labels,
      areNames: true,
      image: (index) => readImageFile(join(dir, paths[index])),
    };
  }
  const { ids, ...found } = await readTable(join(dir, table));
  return { ...found, ids: ids.map((id) => `${idOf(split)}/${id}`) };
}

/** A path as an id: `/` between its parts, and accents composed as they are nowhere else than on a Mac's disk. */
const idOf = (path: string): string => path.replaceAll("\\", "/").normalize();

/** What of a folder was not taken: a line each. */
function notesOn({ unread, files, others }: ImageWalk, { loose, parts }: Layout): string[] {
  const tables = new Set([...parts.values()].map(({ table }) => table));
  const ignored = [...loose, ...files.filter((path) => !tables.has(path)), ...others];
  const are = ignored.length === 1 ? "file" : "files";
  const more = ignored.length > 1 ? ", …" : "";
  return [
    ...(ignored.length > 0 ? [`${ignored.length} ${are} ignored (${ignored[0]}${more})`] : []),
    ...(unread.length > 0 ? [describeUnread(unread)] : []),
  ];
}

function nothingIn(dir: string, { tree, unread }: ImageWalk): OcelliError {
  const hint = `Put the images of each class into a folder of its own: ${join(dir, "CLASS", "…")}.`;
  const { length } = tree.images;
  const found =
    unread.length > 0
      ? `no images that are read: ${describeUnread(unread)}`
      : tree.folders.size > 0
        ? "no images in its folders"
        : length > 0
          ? `${length} images, but no class folders`
          : "no class folders";
  return new OcelliError("data", `${dir} has ${found}.`, { hint });
}

/** Folders of images in a configuration. */
export const folderData = defineSource({ name: "folder", schema: folderSchema, open: openFolder });
