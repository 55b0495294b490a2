/** @file The images in folders and below, for training and prediction alike. */

import { join } from "node:path";
import { IMAGE_FILE, isUnreadImage } from "./image-names.ts";
import { usualSplit } from "../splits/split-names.ts";
import { type Tree, addFolder, newTree } from "./tree-of-images.ts";
import { listFolder, walkFolder } from "../files/walk.ts";

/** What a walk found; all paths are below the folder that it began in. */
export interface ImageWalk {
  /** The images, and folders without any. */
  readonly tree: Tree;
  /** Images of kinds that are not read. */
  readonly unread: readonly string[];
  /** Files that are no images. */
  readonly files: readonly string[];
  /** What is no regular file, such as links that lead nowhere. */
  readonly others: readonly string[];
}

/**
 * The images at and below a folder. Hidden files and what systems leave behind are skipped. Links are followed; a folder
 * is entered once in each class, whatever leads to it.
 */
export async function walkImages(dir: string): Promise<ImageWalk> {
  const tree = newTree();
  const walk = { tree, unread: [] as string[], files: [] as string[], others: [] as string[] };
  const add = (path: string): void => {
    const at = path.split(/[\\/]/);
    const name = at.pop()!;
    const folder = addFolder(tree, at);
    if (IMAGE_FILE.test(name)) folder.images.push(path);
    else if (isUnreadImage(name)) {
      folder.unread.push(path);
      walk.unread.push(path);
    } else {
      if (/^metadata\.([ct]sv|jsonl|ndjson)$/i.test(name)) folder.tables.push(path);
      walk.files.push(path);
    }
  };
  const visit = async (path: string, isClass: boolean): Promise<void> => {
    if (path !== "") addFolder(tree, path.split(/[\\/]/));
    if (isClass) {
      const { files, others } = await walkFolder(join(dir, path));
      for (const file of files) add(join(path, file));
      for (const other of others) walk.others.push(join(path, other));
      return;
    }
    const { files, folders, links, others } = await listFolder(join(dir, path));
    for (const file of files) add(join(path, file));
    for (const other of others) walk.others.push(join(path, other));
    for (const name of [...folders, ...links].sort()) {
      await visit(join(path, name), path !== "" || usualSplit(name) === undefined);
    }
  };
  await visit("", false);
  return walk;
}
