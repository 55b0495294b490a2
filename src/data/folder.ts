/** @file Folders of images: one folder per class, within folders per split where there are any. */

import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import { readDataFile } from "./files.ts";
import { type Found, foundDataset } from "./found.ts";
import type { Dataset } from "./source.ts";
import { usualSplit } from "./split-names.ts";
import { type Listing, listFolder, walkFolder } from "./walk.ts";

/** File names taken for images. */
export const IMAGE_FILE = /\.(jpe?g|jpe|jfif|png|webp|gif|avif|tiff?)$/i;

/** How to open a folder. */
export interface FolderOptions {
  readonly dir: string;
  /** The class names, in the order of the labels; the folders' names, sorted, unless given. */
  readonly classes?: readonly string[];
  /** Where there are no split folders: shares by the names of the splits to make. */
  readonly splits?: Readonly<Record<string, number>>;
}

/** Files that are no images. */
interface Ignored {
  count: number;
  first?: string;
}

/**
 * The images of a folder: JPEG, PNG, WebP, GIF, AVIF and TIFF by their extension, in `dir/CLASS/…` at any depth below
 * the class. Where every folder of `dir` is called train, val, test or the like and holds folders only, these are the
 * splits: `dir/SPLIT/CLASS/…`. Links are followed; in a class a folder is entered once, whatever leads to it. Hidden
 * files are skipped, other files ignored and counted. Ids are paths below `dir`. Holds the paths.
 */
export async function openFolder({
  dir,
  classes,
  splits: shares,
}: FolderOptions): Promise<Dataset> {
  const top = await listFolder(dir);
  const splitFolders = (await haveSplits(dir, top)) ? foldersOf(top) : [""];
  const ignored: Ignored = { count: 0 };
  const splits = new Map<string, Found>();
  const counts = new Map<string, number>();
  for (const split of splitFolders) {
    const paths: string[] = [];
    const labels: string[] = [];
    const inside = split ? await listFolder(join(dir, split)) : top;
    [...inside.files, ...inside.others].forEach((file) => ignore(ignored, join(split, file)));
    for (const folder of foldersOf(inside)) {
      const at = join(split, folder);
      const label = folder.normalize();
      const { files, others } = await walkFolder(join(dir, at));
      const images = files.filter((file) => IMAGE_FILE.test(file));
      for (const file of images) {
        paths.push(join(at, file));
        labels.push(label);
      }
      const rest = [...files.filter((file) => !IMAGE_FILE.test(file)), ...others];
      for (const file of rest) ignore(ignored, join(at, file));
      counts.set(label, (counts.get(label) ?? 0) + images.length);
    }
    splits.set(split, {
      ids: paths.map(idOf),
      labels,
      image: (index) => readDataFile(join(dir, paths[index])),
    });
  }
  checkClasses(dir, top, counts);
  const { count, first } = ignored;
  const notes =
    count > 0
      ? [`${count} ${count > 1 ? "files" : "file"} ignored (${first}${count > 1 ? ", …" : ""})`]
      : [];
  return foundDataset({ name: "folder", splits, classes, shares, notes, place: dir });
}

/** A path as an id: `/` between its parts, and accents composed as they are nowhere else than on a Mac's disk. */
const idOf = (path: string): string => path.replaceAll("\\", "/").normalize();

const foldersOf = ({ folders, links }: Listing): string[] => [...folders, ...links].sort();

/** Whether all folders are splits: called like one, and with class folders inside. */
async function haveSplits(dir: string, top: Listing): Promise<boolean> {
  const folders = foldersOf(top);
  if (folders.length === 0 || folders.some((name) => !usualSplit(name))) return false;
  const inside = await Promise.all(folders.map((name) => listFolder(join(dir, name))));
  return inside.every(
    (listing) =>
      foldersOf(listing).length > 0 && !listing.files.some((file) => IMAGE_FILE.test(file)),
  );
}

function ignore(ignored: Ignored, path: string): void {
  ignored.count++;
  ignored.first ??= path;
}

function checkClasses(dir: string, { files }: Listing, counts: ReadonlyMap<string, number>): void {
  const layout = `Put the images of each class into a folder of its own: ${join(dir, "CLASS", "…")}.`;
  if (counts.size === 0) {
    const images = files.filter((file) => IMAGE_FILE.test(file)).length;
    const found = images > 0 ? `${images} images, but no class folders` : "no class folders";
    throw new OcelliError("data", `${dir} has ${found}.`, { hint: layout });
  }
  const empty = [...counts].filter(([, count]) => count === 0).map(([name]) => name);
  if (empty.length === counts.size)
    throw new OcelliError("data", `${dir} has no images.`, { hint: layout });
  if (empty.length > 0) {
    throw new OcelliError("data", `${dir}: the class "${empty[0]}" has no images.`, {
      hint: "Remove its folder, or add some.",
    });
  }
}
