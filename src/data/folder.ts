/** @file Folders of images: one folder per class, within folders per split where there are any. */

import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import { cannotRead, readImageFile } from "./files.ts";
import { type Found, foundDataset } from "./found.ts";
import type { Dataset } from "./source.ts";
import { usualSplit } from "./split-names.ts";

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

/** What lies in a folder: files and folders by name, sorted; hidden ones and broken links are left out. */
interface Listing {
  readonly files: string[];
  readonly folders: string[];
  readonly broken: string[];
}

/** Files that are no images. */
interface Ignored {
  count: number;
  first?: string;
}

/**
 * The images of a folder: JPEG, PNG, WebP, GIF, AVIF and TIFF by their extension, in `dir/CLASS/…` at any depth below
 * the class. Where every folder of `dir` is called train, val, test or the like and holds folders only, these are the
 * splits: `dir/SPLIT/CLASS/…`. Links are followed, except back to a folder they lie in. Hidden files are skipped, other
 * files ignored and counted. Ids are paths below `dir`. Holds the paths.
 */
export async function openFolder({
  dir,
  classes,
  splits: shares,
}: FolderOptions): Promise<Dataset> {
  const top = await list(dir);
  const splitFolders = (await haveSplits(dir, top)) ? top.folders : [""];
  const ignored: Ignored = { count: 0 };
  const splits = new Map<string, Found>();
  const counts = new Map<string, number>();
  for (const split of splitFolders) {
    const paths: string[] = [];
    const labels: string[] = [];
    const { folders, files } = split ? await list(join(dir, split)) : top;
    files.forEach((file) => ignore(ignored, join(split, file)));
    for (const folder of folders) {
      const before = paths.length;
      await walk(dir, join(split, folder), [], paths, ignored);
      const label = folder.normalize();
      for (let i = before; i < paths.length; i++) labels.push(label);
      counts.set(label, (counts.get(label) ?? 0) + paths.length - before);
    }
    splits.set(split, {
      ids: paths.map(idOf),
      labels,
      image: (index) => readImageFile(join(dir, paths[index])),
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

async function list(path: string): Promise<Listing> {
  const listing: Listing = { files: [], folders: [], broken: [] };
  try {
    const entries = await readdir(path, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const target = entry.isSymbolicLink()
        ? await stat(join(path, entry.name)).catch(() => undefined)
        : entry;
      if (!target) listing.broken.push(entry.name);
      else if (target.isDirectory()) listing.folders.push(entry.name);
      else if (target.isFile()) listing.files.push(entry.name);
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
  Object.values(listing as unknown as Record<string, string[]>).forEach((names) => names.sort());
  return listing;
}

/** Whether all folders are splits: called like one, and with class folders inside. */
async function haveSplits(dir: string, { folders }: Listing): Promise<boolean> {
  if (folders.length === 0 || folders.some((name) => !usualSplit(name))) return false;
  const inside = await Promise.all(folders.map((name) => list(join(dir, name))));
  return inside.every(
    ({ files, folders: classes }) =>
      classes.length > 0 && !files.some((file) => IMAGE_FILE.test(file)),
  );
}

/** Adds the images at and below `path`, a path below `dir`; `above` are the real folders that it lies in. */
async function walk(
  dir: string,
  path: string,
  above: readonly string[],
  paths: string[],
  ignored: Ignored,
): Promise<void> {
  const real = await realpath(join(dir, path)).catch((error) => {
    throw cannotRead(join(dir, path), error);
  });
  if (above.includes(real)) return;
  const { files, folders, broken } = await list(join(dir, path));
  for (const file of files) {
    if (IMAGE_FILE.test(file)) paths.push(join(path, file));
    else ignore(ignored, join(path, file));
  }
  broken.forEach((file) => ignore(ignored, join(path, file)));
  for (const folder of folders)
    await walk(dir, join(path, folder), [...above, real], paths, ignored);
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
