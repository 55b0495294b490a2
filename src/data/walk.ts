/** @file The one walk through folders of images, for training and prediction alike. */

import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { cannotRead } from "./files.ts";
import { IMAGE_FILE, isUnreadImage } from "./image-names.ts";
import { isLeftover } from "./leftovers.ts";
import { type Tree, newTree } from "./tree-of-images.ts";

/** What a walk found; all paths are below the folder that it began in. */
export interface Walk {
  /** The images. */
  readonly tree: Tree;
  /** Images of kinds that are not read. */
  readonly unread: readonly string[];
  /** Links that lead nowhere, and links and files that may not be followed. */
  readonly broken: readonly string[];
  /** Files that are no images. */
  readonly others: readonly string[];
}

/** What lies in a folder: files, folders and links that lead nowhere by name, sorted; leftovers are not listed. */
async function list(path: string) {
  const files: string[] = [];
  const folders: string[] = [];
  const broken: string[] = [];
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (isLeftover(entry.name)) continue;
      const target = entry.isSymbolicLink()
        ? await stat(join(path, entry.name)).catch(() => undefined)
        : entry;
      if (!target) broken.push(entry.name);
      else if (target.isDirectory()) folders.push(entry.name);
      else if (target.isFile()) files.push(entry.name);
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
  return { files: files.sort(), folders: folders.sort(), broken: broken.sort() };
}

/**
 * The images at and below a folder. Hidden files and what systems leave behind are skipped. Links are followed, except
 * back to a folder they lie in; one that leads nowhere is listed, and so is a file that is no image.
 */
export async function walkImages(dir: string): Promise<Walk> {
  const unread: string[] = [];
  const broken: string[] = [];
  const others: string[] = [];
  const visit = async (path: string, above: readonly string[]): Promise<Tree | undefined> => {
    const full = join(dir, path);
    const real = await realpath(full).catch((error) => {
      throw cannotRead(full, error);
    });
    if (above.includes(real)) return undefined;
    const found = await list(full);
    const tree = newTree();
    for (const file of found.files) {
      const at = join(path, file);
      if (IMAGE_FILE.test(file)) tree.images.push(at);
      else if (isUnreadImage(file)) {
        tree.unread.push(at);
        unread.push(at);
      } else {
        if (/^metadata\.([ct]sv|jsonl|ndjson)$/i.test(file)) tree.tables.push(at);
        others.push(at);
      }
    }
    for (const name of found.broken) broken.push(join(path, name));
    for (const folder of found.folders) {
      const inside = await visit(join(path, folder), [...above, real]);
      if (inside) tree.folders.set(folder, inside);
    }
    return tree;
  };
  const tree = (await visit("", [])) ?? newTree();
  return { tree, unread, broken, others };
}
