/** @file Image files without labels: those that one names, those in folders, at addresses and on standard input. */

import { stat } from "node:fs/promises";
import { basename, extname, join, relative, sep } from "node:path";
import { OcelliError } from "../../errors.ts";
import { LIMITS } from "../../formats/budget.ts";
import { cannotRead, readImageFile } from "../files/files.ts";
import { fetchWhole, isUrl } from "../files/http.ts";
import { describeUnread, isUnreadImage } from "./image-names.ts";
import { type Source, imageSource } from "../source.ts";
import { imagesOf } from "./tree-of-images.ts";
import { walkImages } from "./walk-images.ts";

/** What stands for standard input among paths. */
const STANDARD_INPUT = "-";

/** What {@link imagePaths} found. */
export interface FoundImages {
  readonly images: readonly string[];
  /** How many of the paths are folders. */
  readonly folders: number;
  /** What was left out of the folders; a line each. */
  readonly notes: readonly string[];
}

/**
 * The image files that paths name: files as they are, addresses, `-` for standard input, and what lies in folders and
 * below, in the order of their names. Folders are walked as those of a data set are.
 *
 * @throws a data error where a path does not exist or a folder has no images
 */
export async function imagePaths(paths: readonly string[]): Promise<FoundImages> {
  const images: string[] = [];
  const notes: string[] = [];
  let folders = 0;
  for (const path of paths) {
    if (path === STANDARD_INPUT || isUrl(path)) {
      images.push(path);
      continue;
    }
    const found = await stat(path).catch((error) => {
      throw cannotRead(path, error);
    });
    if (!found.isDirectory()) {
      if (isUnreadImage(basename(path))) {
        throw new OcelliError("data", `${describeUnread([path])}.`);
      }
      images.push(path);
      continue;
    }
    folders++;
    const { tree, unread, others } = await walkImages(path);
    const inside = imagesOf(tree).sort();
    const unreadNote = unread.length > 0 ? describeUnread(unread) : undefined;
    if (inside.length === 0) {
      const why = unreadNote === undefined ? "" : ` that are read: ${unreadNote}`;
      throw new OcelliError("data", `${path} has no images${why}.`);
    }
    for (const name of inside) images.push(join(path, name));
    for (const name of others) notes.push(`left out ${join(path, name)}: it is no file`);
    if (unreadNote !== undefined) notes.push(`left out: ${unreadNote}`);
  }
  return { images, folders, notes };
}

/** A source of image files without labels; ids are their paths, those from the folder `below` where it is given. */
export function pathSource(paths: readonly string[], below?: string): Source {
  const ids = below === undefined ? paths : paths.map((path) => idBelow(below, path));
  return imageSource({ ids, image: (index) => readImage(paths[index]) });
}

/** What names a file of a folder wherever the folder lies. */
const idBelow = (dir: string, path: string): string => relative(dir, path).split(sep).join("/");

let fromInput: Promise<Uint8Array> | undefined;

/** The name of an image without folders and extension, for files that are made of it. */
export function imageStem(path: string): string {
  if (path === STANDARD_INPUT) return "standard-input";
  const name = isUrl(path) ? readable(new URL(path).pathname) : path;
  const stem = basename(name, extname(name));
  return isUrl(path) ? stem.replaceAll(/[^\p{L}\p{N}._ -]/gu, "_") || "image" : stem;
}

/** A name that is not taken, and then is: with a number where it was, also in other case as some disks see it. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let k = 2; taken.has(free.toLowerCase()); k++) free = `${name}-${k}`;
  taken.add(free.toLowerCase());
  return free;
}

/** The path of an address with its signs decoded, where they can be. */
function readable(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

/**
 * An image file's bytes, by its path, its address, or `-` for standard input, which can be read only once and is held.
 *
 * @throws a data error that says why it cannot be read
 */
export function readImage(path: string): Promise<Uint8Array> {
  if (path === STANDARD_INPUT) return (fromInput ??= readStandardInput());
  return isUrl(path) ? fetchWhole(path, LIMITS.imageBytes) : readImageFile(path);
}

async function readStandardInput(): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of process.stdin) {
    pieces.push(piece as Buffer);
    if ((size += (piece as Buffer).length) > LIMITS.imageBytes) {
      throw new OcelliError("data", "standard input is too large for an image.");
    }
  }
  return new Uint8Array(Buffer.concat(pieces));
}
